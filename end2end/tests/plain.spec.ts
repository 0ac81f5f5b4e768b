// People host on a LAN without TLS. There a browser has no Web Locks, no crypto.randomUUID, no clipboard.

import type { Room } from './support/server.ts';
import { CONNECTION_REFUSED } from './support/calm.ts';
import { expect, test } from './support/test.ts';
import { stored } from './support/wire.ts';

/** The same room under a name for which browsers expect TLS. */
function onLan(room: Room): Room {
  return { ...room, origin: room.origin.replace('127.0.0.1', 'lan.test') };
}

/** Sphere sends this header always; without TLS Chromium does not heed it, and says so. */
const IGNORED = /^The Cross-Origin-Opener-Policy header has been ignored, because the URL's origin was untrustworthy\./;

test.beforeEach(({ calm }) => calm.expect(IGNORED));

test('over plain HTTP two people talk', async ({ room, newcomer }) => {
  const ada = await newcomer(onLan(room));
  const lin = await newcomer(onLan(room));
  expect(await ada.page.evaluate(() => [isSecureContext, 'locks' in navigator, 'randomUUID' in crypto])).toEqual([false, false, false]);

  await ada.rename('Ada');
  await ada.say('Hello');
  await lin.sees('Hello');
  await lin.say('Hello, Ada');
  for (const tab of [ada, lin]) await tab.seesAll(['Hello', 'Hello, Ada'], 'stored');
  await ada.reload();
  await ada.seesAll(['Hello', 'Hello, Ada'], 'stored');
  await expect(ada.row('Hello')).toHaveClass(/\bmine\b/);
});

test('over plain HTTP two tabs share what waits, and nothing is doubled', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = onLan(server.room('room1'));
  const left = await newcomer(room);
  const right = await left.another();
  calm.expect(CONNECTION_REFUSED);
  await server.kill();
  await left.say('Left 1', 'Left 2');
  await right.say('Right 1', 'Right 2');
  for (const tab of [left, right]) await expect(tab.log.locator('article[data-state="sending"]')).toHaveCount(4);

  // One tab goes before it could send: whoever loads the page next adopts what it left.
  await left.page.close();
  await server.start();
  await right.sees('Right 2');
  const again = await right.another();

  for (const tab of [right, again]) await expect(tab.log.locator('article[data-state="stored"]')).toHaveCount(4);
  const texts = (await stored(server.room('room1'))).map((message) => message.message);
  expect(texts.toSorted()).toEqual(['Left 1', 'Left 2', 'Right 1', 'Right 2']);
  await right.seesAll(texts);
  await again.seesAll(texts);
});
