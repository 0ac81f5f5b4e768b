// Somebody who speaks the wire protocol without a browser: fills a room, and reads what is stored.

import { randomBytes, randomUUID } from 'node:crypto';

import { WebSocket } from 'ws';

import type { Room } from './server.ts';

/** Below the number of open sends that a server allows. */
const AT_ONCE = 50;

interface Frame {
  event: string;
  data: Record<string, unknown>;
}

/** A message as the server gives it. */
export interface Stored {
  id: string;
  seq: number;
  userId: string;
  userName: string;
  message: string;
  createdAt: string;
}

/** Where a message stands, as the server answered. */
export interface Place {
  id: string;
  seq: number;
}

export class WireUser {
  readonly userId = `anon_${Date.now()}_${Array.from(randomBytes(9), (byte) => (byte % 36).toString(36)).join('')}`;
  readonly #waiting = new Map<string, { resolve: (place: Place) => void; reject: (error: Error) => void }>();

  private constructor(
    private readonly room: Room,
    private readonly socket: WebSocket,
  ) {}

  static async connect(room: Room, name: string): Promise<WireUser> {
    const socket = new WebSocket(`${room.origin.replace('http', 'ws')}/ws`, { origin: room.origin });
    const user = new WireUser(room, socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('open', () => {
        const anonymous = { userId: user.userId, secret: randomBytes(16).toString('hex') };
        user.#send({ event: 'hello', data: { v: 1, anonymous, userName: name, rooms: [] } });
      });
      socket.on('message', (bytes) => {
        const frame = JSON.parse(String(bytes)) as Frame;
        if (frame.event === 'welcome') resolve();
        else user.#hear(frame);
      });
    });
    return user;
  }

  #hear({ event, data }: Frame): void {
    const send = this.#waiting.get(String(data.cid));
    if (event === 'message:ack') send?.resolve({ id: String(data.id), seq: Number(data.seq) });
    if (event === 'message:nack') send?.reject(new Error(`refused: ${JSON.stringify(data)}`));
  }

  #send(frame: Frame): void {
    this.socket.send(JSON.stringify(frame));
  }

  /** Writes, and waits until all of it is stored. A connection keeps the order, so many may be on their way. */
  async say(...texts: string[]): Promise<Place[]> {
    const places: Place[] = [];
    for (let start = 0; start < texts.length; start += AT_ONCE) {
      places.push(...(await Promise.all(texts.slice(start, start + AT_ONCE).map((text) => this.#post(text)))));
    }
    return places;
  }

  async #post(message: string): Promise<Place> {
    const cid = randomUUID();
    const place = await new Promise<Place>((resolve, reject) => {
      this.#waiting.set(cid, { resolve, reject });
      this.#send({ event: 'event:message', data: { cid, attempt: 1, room: this.room.name, message } });
    });
    this.#waiting.delete(cid);
    return place;
  }

  close(): void {
    this.socket.close();
  }
}

/** Writes into a room as somebody who comes, writes and goes. */
export async function write(room: Room, name: string, ...texts: string[]): Promise<Place[]> {
  const user = await WireUser.connect(room, name);
  const places = await user.say(...texts);
  user.close();
  return places;
}

/** What is stored in a room, oldest first. */
export async function stored(room: Room): Promise<Stored[]> {
  const items: Stored[] = [];
  for (let before = ''; ; before = `&before=${items[0]?.seq}`) {
    const answer = await fetch(`${room.origin}/api/rooms/${room.name}/messages?limit=200${before}`);
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const page = (await answer.json()) as { items: Stored[]; more: boolean };
    items.unshift(...page.items);
    if (!page.more) return items;
  }
}

/** So many texts, each another one. */
export function lines(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `Line ${from + index}`);
}
