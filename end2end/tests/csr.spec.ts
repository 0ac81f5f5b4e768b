// The client that Trunk built: it comes from a server of files, and talks to a Sphere elsewhere.

import { readFile } from 'node:fs/promises';
import { createServer, type Server as Files } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

const DIST = join(import.meta.dirname, '..', '..', 'target', 'trunk');
const TYPES: Record<string, string> = { '.js': 'text/javascript', '.wasm': 'application/wasm', '.css': 'text/css', '.svg': 'image/svg+xml' };

/** Serves Trunk's files, and the page for any other address, with the server's address in it. */
async function serve(sphere: () => string): Promise<Files> {
  const files = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://files').pathname;
    const answer = async () => {
      if (extname(path) !== '') {
        return response.setHeader('content-type', TYPES[extname(path)] ?? 'text/plain').end(await readFile(join(DIST, path)));
      }
      const page = await readFile(join(DIST, 'index.html'), 'utf8');
      return response.setHeader('content-type', 'text/html').end(page.replace('http://127.0.0.1:3000', sphere()));
    };
    answer().catch(() => response.writeHead(404).end());
  });
  await new Promise<void>((resolve) => files.listen(0, '127.0.0.1', resolve));
  return files;
}

test('a client that Trunk built talks to a server on another port', async ({ startServer, unopened, newcomer, calm }) => {
  let sphere = '';
  const files = await serve(() => sphere);
  const origin = `http://127.0.0.1:${(files.address() as AddressInfo).port}`;
  const server = await startServer({ env: { SPHERE_ALLOWED_ORIGINS: origin } });
  sphere = server.origin;
  calm.allow(server.origin);
  const room = server.room('room1');
  await write(room, 'Grace', 'Before');
  const lin = await newcomer(room);

  const ada = await unopened({ ...room, origin });
  await ada.page.goto(origin);
  await ada.alive();
  await expect(ada.page).toHaveURL(`${origin}/rooms/room1`);
  await expect(ada.rooms.getByRole('link')).toHaveCount(4);
  await ada.sees('Before');
  await ada.say('**From** elsewhere');
  await lin.sees('From elsewhere');
  await lin.say('Welcome');
  await ada.seesAll(['Before', 'From elsewhere', 'Welcome'], 'stored');
  await ada.reload();
  await ada.seesAll(['Before', 'From elsewhere', 'Welcome'], 'stored');
  await ada.enter({ ...server.room('room2'), origin });
  await expect(ada.page).toHaveURL(`${origin}/rooms/room2`);

  await new Promise((resolve) => files.close(resolve));
});
