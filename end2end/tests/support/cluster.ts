// Several servers on real Kafka and PostgreSQL, and a Redis of the test's own, so that the test may do to it what it likes.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { promisify } from 'node:util';

import { freePort } from './port.ts';
import type { ServerOptions } from './server.ts';

const START_MS = 10_000;

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** The address of a real part. */
function part(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run ./dev e2e, or eval "$(./dev services | sed 's/^/export /')"`);
  return value;
}

export class Redis {
  readonly #port: number;
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<Redis> {
    const redis = new Redis(await freePort());
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Starts it, empty. */
  async start(): Promise<void> {
    const args = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    this.#process = child;
    running.add(child);
    child.once('exit', () => running.delete(child));
    const deadline = Date.now() + START_MS;
    while (!(await listens(this.#port))) {
      if (Date.now() > deadline) throw new Error('redis-server did not start');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Takes it away. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

/** What servers of one cluster have in common: a topic and a database that nobody else uses, and this Redis. */
export class Cluster {
  readonly redis: Redis;
  readonly #name: string;

  private constructor(name: string, redis: Redis) {
    this.#name = name;
    this.redis = redis;
  }

  static async start(): Promise<Cluster> {
    const name = `e2e_${randomBytes(6).toString('hex')}`;
    await sql(`CREATE DATABASE ${name}`);
    return new Cluster(name, await Redis.start());
  }

  /** How to start a server of it. */
  options(role: 'web' | 'all'): ServerOptions {
    const database = new URL(part('DATABASE_URL'));
    database.pathname = `/${this.#name}`;
    return {
      restarts: true,
      env: {
        SPHERE_ROLE: role,
        KAFKA_BROKERS: part('KAFKA_BROKERS'),
        KAFKA_TOPIC: this.#name,
        DATABASE_URL: database.href,
        REDIS_URL: this.redis.url,
      },
    };
  }

  /** Once its servers have ended. */
  async end(): Promise<void> {
    await this.redis.kill();
    await sql(`DROP DATABASE ${this.#name} WITH (FORCE)`);
  }
}

async function sql(command: string): Promise<void> {
  await promisify(execFile)('psql', [part('DATABASE_URL'), '--quiet', '--command', command]);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.end() !== undefined));
    socket.once('error', () => resolve(false));
  });
}
