// The shell is kept by a service worker, so that the page also opens while there is no server.

import { CONNECTION_REFUSED } from './support/calm.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { stored, write } from './support/wire.ts';

/** The worker runs and has everything that it needs. */
async function kept(tab: Tab): Promise<void> {
  await tab.page.evaluate(() => navigator.serviceWorker.ready);
  await expect.poll(() => tab.page.evaluate(() => caches.match('/offline').then((found) => found !== undefined))).toBe(true);
}

async function keptAddresses(tab: Tab): Promise<string[]> {
  return tab.page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map(({ url }) => new URL(url).pathname);
  });
}

const NO_RESOURCE = /^Failed to load resource: net::ERR_(CONNECTION_REFUSED|FAILED)/;

test('without a server the page opens with rooms, draft and what waits, and all of it arrives once', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  await write(room, 'Lin', 'Before');
  const ada = await newcomer(room);
  await kept(ada);
  calm.expect(CONNECTION_REFUSED, NO_RESOURCE);
  await server.kill();
  await expect(ada.banner).toContainText('Reconnecting');
  await ada.say('Written without a server');
  await ada.composer.fill('A draft');

  await ada.page.reload();
  await ada.hydrated();
  await expect(ada.heading).toHaveText(room.title);
  await expect(ada.rooms.getByRole('link')).toHaveCount(4);
  await ada.sees('Written without a server', 'sending');
  await expect(ada.composer).toHaveValue('A draft');
  await expect(ada.banner).toContainText('Reconnecting');
  await ada.say('And one more');
  await ada.enter(server.room('room2'));
  await ada.page.reload();
  await ada.hydrated();
  await expect(ada.heading).toHaveText('Random');
  await expect(ada.log).toHaveText('The messages of this room come once there is a connection.');
  await ada.enter(room);

  await server.start();
  await ada.connected(20_000);
  await ada.seesAll(['Before', 'Written without a server', 'And one more'], 'stored');
  expect((await stored(room)).map(({ message }) => message)).toEqual(['Before', 'Written without a server', 'And one more']);
});

test('the start page leads to a room, also without a server', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const ada = await newcomer(server.room('room1'));
  await kept(ada);
  calm.expect(CONNECTION_REFUSED, NO_RESOURCE);
  await server.kill();
  await ada.page.goto(server.origin);
  await ada.hydrated();
  await expect(ada.heading).toHaveText('General');
});

test('nothing that somebody wrote is kept by the worker, and the server is asked for every page', async ({ startServer, newcomer }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  await write(room, 'Lin', 'A secret');
  const ada = await newcomer(room);
  await kept(ada);
  await ada.reload();
  await ada.sees('A secret');
  const files = await keptAddresses(ada);
  expect(files).toContain('/offline');
  for (const file of files) expect(file).toMatch(/^\/(offline|favicon\.svg|pkg\/[0-9a-f]{16}\/sphere\.(js|wasm|css))$/);
  const shell = await ada.page.evaluate(() => caches.match('/offline').then((found) => found?.text()));
  expect(shell).toContain('General');
  expect(shell).not.toContain('A secret');

  await write(room, 'Lin', 'News');
  await ada.reload();
  await ada.seesAll(['A secret', 'News']);
});

test('what an earlier release left is forgotten', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const ada = await newcomer(server.room('room1'));
  await kept(ada);
  const old = '/pkg/0123456789abcdef/sphere.js';
  await ada.page.evaluate(async (old) => (await caches.open('shell')).put(old, new Response('old')), old);
  expect(await keptAddresses(ada)).toContain(old);
  await ada.reload();
  await expect.poll(() => keptAddresses(ada)).not.toContain(old);
});
