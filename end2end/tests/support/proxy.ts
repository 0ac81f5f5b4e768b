// A TCP proxy between browser and server that is slow, or cuts the connection, when told to.

import { type AddressInfo, createServer, connect, type Server as NetServer, type Socket } from 'node:net';

import type { Room } from './server.ts';

/**
 * What happens to a frame of the browser: it passes; or the connection is cut, before the frame reached the server (`drop`),
 * right behind it (`abandon`), or when the server had answered it, which the browser never hears (`answer`).
 */
export type Fate = 'pass' | 'drop' | 'abandon' | 'answer';

/** The server's frames are not masked, and this stands in every answer to a message. */
const ANSWER = /"event":"message:n?ack"/;

export class Proxy {
  /** Milliseconds that every byte waits, each way. */
  delay = 0;
  /** Whether sockets may open; pages always load. */
  upgrades = true;
  /** Decides about each text frame of the browser. */
  fate: (text: string) => Fate = () => 'pass';

  readonly #server: NetServer;
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly target: URL) {
    this.#server = createServer((browser) => this.#accept(browser));
  }

  static async start(origin: string): Promise<Proxy> {
    const proxy = new Proxy(new URL(origin));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The same room, seen through this proxy. */
  room(room: Room): Room {
    return { ...room, origin: this.origin };
  }

  /** Cuts all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  #accept(browser: Socket): void {
    const server = connect(Number(this.target.port), this.target.hostname);
    for (const socket of [browser, server]) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => this.#sockets.delete(socket));
    }
    const up = new Slowly(this, server);
    const down = new Slowly(this, browser);
    const frames = new Frames();
    const onBytes = (bytes: Buffer) => {
      if (!this.upgrades && frames.isSocket(bytes)) {
        browser.destroy();
        server.destroy();
        return;
      }
      for (const piece of frames.split(bytes)) {
        const fate = piece.text === undefined ? 'pass' : this.fate(piece.text);
        if (fate === 'drop') {
          browser.destroy();
          server.destroy();
          return;
        }
        up.write(piece.bytes);
        if (fate === 'pass') continue;
        browser.off('data', onBytes).off('close', onGone);
        browser.destroy();
        if (fate === 'abandon') up.end();
        else server.on('data', (bytes) => ANSWER.test(bytes.toString('latin1')) && server.destroy());
        return;
      }
    };
    browser.on('data', onBytes);
    const onGone = () => up.end();
    browser.on('end', onGone);
    browser.on('close', onGone);
    server.on('data', (bytes) => down.write(bytes));
    server.on('end', () => down.end());
    server.on('close', () => down.end());
  }
}

/** Writes in order, each after the proxy's delay. */
class Slowly {
  #queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly proxy: Proxy,
    private readonly to: Socket,
  ) {}

  write(bytes: Buffer): void {
    this.#later(() => this.to.writable && this.to.write(bytes));
  }

  end(): void {
    this.#later(() => this.to.end());
  }

  #later(act: () => void): void {
    const due = Date.now() + this.proxy.delay;
    this.#queue = this.#queue.then(async () => {
      const wait = due - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      act();
    });
  }
}

/** What the browser sends, split into WebSocket frames once the connection is one. */
class Frames {
  #mode: 'first' | 'http' | 'upgrade' | 'frames' = 'first';
  #rest: Buffer = Buffer.alloc(0);

  /** Whether a connection that begins with these bytes, or began before, is a WebSocket. */
  isSocket(bytes: Buffer): boolean {
    if (this.#mode === 'first') this.#mode = bytes.toString('latin1', 0, 7) === 'GET /ws' ? 'upgrade' : 'http';
    return this.#mode !== 'http';
  }

  split(bytes: Buffer): { bytes: Buffer; text?: string }[] {
    if (!this.isSocket(bytes)) return [{ bytes }];
    this.#rest = Buffer.concat([this.#rest, bytes]);
    const pieces = [];
    if (this.#mode === 'upgrade') {
      const end = this.#rest.indexOf('\r\n\r\n');
      if (end < 0) return [];
      pieces.push(this.#take(end + 4));
      this.#mode = 'frames';
    }
    for (let frame = this.#frame(); frame !== undefined; frame = this.#frame()) pieces.push(frame);
    return pieces;
  }

  #take(length: number): { bytes: Buffer } {
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return { bytes };
  }

  /** The next whole frame; a browser's are always masked. */
  #frame(): { bytes: Buffer; text?: string } | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const short = rest.readUInt8(1) & 0x7f;
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const start = 2 + extra + 4;
    if (rest.length < start) return undefined;
    const length = extra === 2 ? rest.readUInt16BE(2) : extra === 8 ? Number(rest.readBigUInt64BE(2)) : short;
    if (rest.length < start + length) return undefined;
    const isText = (rest.readUInt8(0) & 0x0f) === 1;
    const mask = rest.subarray(start - 4, start);
    const { bytes } = this.#take(start + length);
    if (!isText) return { bytes };
    const text = Buffer.from(bytes.subarray(start).map((byte, index) => byte ^ (mask[index % 4] ?? 0)));
    return { bytes, text: text.toString('utf8') };
  }
}
