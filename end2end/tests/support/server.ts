// The real binary, in a folder of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants as access } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A room, and where the browser finds it. */
export interface Room {
  name: string;
  title: string;
  /** Scheme, host and port of the server, or of the proxy before it. */
  origin: string;
}

export interface ServerOptions {
  /** Names and titles; without it, the four rooms that Sphere has by itself. */
  rooms?: Record<string, string>;
  /** More environment variables. */
  env?: Record<string, string>;
  /** Whether it will be started again on its port: nobody else may get it meanwhile. */
  restarts?: boolean;
}

const STANDARD = { room1: 'General', room2: 'Random', room3: 'Help', room4: 'Off-topic' };

/** Everybody in these tests has one address and types faster than people do. */
const NO_LIMITS = {
  SPHERE_RATE_PER_SECOND: '0',
  SPHERE_MAX_SOCKETS_PER_IP: '0',
  SPHERE_NEW_IDS_PER_MINUTE_PER_IP: '0',
  SPHERE_HTTP_PER_SECOND: '0',
};

const START_MS = 20_000;
const STOP_MS = 10_000;

/** Nothing that these tests start outlives them. */
const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

export class Server {
  readonly rooms: Record<string, string>;
  readonly #dataDir: string;
  readonly #env: Record<string, string>;
  #port: number;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(dataDir: string, port: number, options: ServerOptions) {
    this.#dataDir = dataDir;
    this.#port = port;
    this.#env = options.env ?? {};
    this.rooms = options.rooms ?? STANDARD;
  }

  static async start(options: ServerOptions = {}): Promise<Server> {
    const dataDir = await mkdtemp(join(tmpdir(), 'sphere-e2e-'));
    const port = options.restarts ? await quietPort() : 0;
    const server = new Server(dataDir, port, options);
    await server.start();
    return server;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  room(name: string): Room {
    const title = this.rooms[name];
    if (title === undefined) throw new Error(`this server has no room ${name}`);
    return { name, title, origin: this.origin };
  }

  /** Starts it, again on the same port and folder if it ran before. */
  async start(): Promise<void> {
    const child = spawn(binary(), [], {
      cwd: this.#dataDir,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        SPHERE_LISTEN: `127.0.0.1:${this.#port}`,
        SPHERE_DATA_DIR: this.#dataDir,
        SPHERE_ROOMS: Object.entries(this.rooms).map(([name, title]) => `${name}=${title}`).join(','),
        ...NO_LIMITS,
        ...this.#env,
      },
    });
    this.#process = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    running.add(child);
    child.once('exit', () => running.delete(child));
    this.#port = await this.#listening(child);
    await this.#ready();
  }

  async #listening(child: ChildProcess): Promise<number> {
    let timer: NodeJS.Timeout | undefined;
    const port = new Promise<number>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`sphere ${why}\n${this.#log}`));
      timer = setTimeout(() => fail(`did not listen within ${START_MS} ms`), START_MS);
      child.once('error', (error) => fail(`could not be started: ${error.message}`));
      child.once('exit', (code) => fail(`ended at once, with ${code}`));
      let out = '';
      child.stdout?.setEncoding('utf8').on('data', (text: string) => {
        out += text;
        const found = /listening on http:\/\/\S+:(\d+)\s/.exec(out)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    });
    return port.finally(() => clearTimeout(timer));
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + START_MS;
    while (Date.now() < deadline) {
      const answer = await fetch(`${this.origin}/readyz`);
      await answer.text();
      if (answer.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`sphere was not ready within ${START_MS} ms\n${this.#log}`);
  }

  /** Asks it to end, as a service manager would. */
  async stop(): Promise<void> {
    const ended = await this.#end('SIGTERM');
    if (ended.code !== 0) throw new Error(`sphere ended with ${ended.code ?? ended.signal} after SIGTERM\n${this.#log}`);
  }

  /** Kills it, as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Everything that it had stored is gone. Only while it does not run. */
  async wipe(): Promise<void> {
    for (const file of await readdir(this.#dataDir)) await rm(join(this.#dataDir, file), { recursive: true });
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<{ code: number | null; signal: string | null }> {
    const child = this.#process;
    if (child === undefined) throw new Error('sphere does not run');
    this.#process = undefined;
    if (child.exitCode !== null) throw new Error(`sphere had ended by itself, with ${child.exitCode}\n${this.#log}`);
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.once('exit', (code, by) => resolve({ code, signal: by }));
    });
    const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    child.kill(signal);
    const answer = await ended;
    clearTimeout(patience);
    return answer;
  }

  /** Ends it and removes its folder. A panic in its log is an error. */
  async dispose(): Promise<void> {
    if (this.#process !== undefined) await this.stop();
    await rm(this.#dataDir, { recursive: true, force: true });
    if (this.#log.includes('panicked at')) throw new Error(`sphere panicked\n${this.#log}`);
  }
}

/** The program under test. */
export function binary(): string {
  const path = process.env.SPHERE_BIN;
  try {
    if (!path) throw new Error();
    accessSync(path, access.X_OK);
    return path;
  } catch {
    throw new Error('run ./dev build first');
  }
}

/** A free port below those that systems give to whoever asks for any. */
async function quietPort(): Promise<number> {
  const worker = Number(process.env.TEST_WORKER_INDEX ?? 0);
  const base = 20_000 + (worker % 100) * 100;
  for (let port = base; port < base + 100; port++) {
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${base} on is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
