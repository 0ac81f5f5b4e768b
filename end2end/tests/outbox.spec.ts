import type { Page } from '@playwright/test';

import { listenToBanner } from './support/banner.ts';
import { CONNECTION_CLOSED, CONNECTION_REFUSED, NO_NETWORK } from './support/calm.ts';
import { refuse } from './support/refuse.ts';
import { expect, test } from './support/test.ts';
import { stored } from './support/wire.ts';

/** A server that ends in order asks everybody to come back at some moment of the next 10 s. */
const RECONNECT_MS = 15_000;

/** The keys of the messages that wait in this browser. */
function outbox(page: Page): Promise<string[]> {
  return page.evaluate(() => Object.keys(localStorage).filter((key) => key.startsWith('outbox:')));
}

test('a message written while the server is down arrives once, after its restart', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await ada.say('Before');
  await lin.sees('Before');
  calm.expect(CONNECTION_REFUSED);
  await server.stop();
  for (const tab of [ada, lin]) await expect(tab.banner).toContainText('Reconnecting');

  await ada.say('While it was down');
  await ada.sees('While it was down', 'sending');
  expect(await outbox(ada.page)).toHaveLength(1);
  await server.start();

  for (const tab of [ada, lin]) {
    await tab.connected(RECONNECT_MS);
    await tab.seesAll(['Before', 'While it was down'], 'stored');
    await expect(tab.banner.filter({ hasText: 'Reconnecting' })).toBeHidden();
  }
  expect((await stored(room)).map((message) => message.message)).toEqual(['Before', 'While it was down']);
  expect(await outbox(ada.page)).toEqual([]);
});

test('a message that waits survives a reload', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  calm.expect(CONNECTION_REFUSED);
  await server.kill();
  await ada.say('One', 'Two', 'Three');
  await ada.seesAll(['One', 'Two', 'Three'], 'sending');
  await ada.page.close();

  await server.start();
  await lin.connected();
  await lin.seesAll([]);
  const again = await ada.another();

  await again.seesAll(['One', 'Two', 'Three'], 'stored');
  await lin.seesAll(['One', 'Two', 'Three'], 'stored');
  expect(await outbox(again.page)).toEqual([]);
});

test('messages for two rooms that wait arrive each in its own', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const [general, help] = [server.room('room1'), server.room('room3')];
  const ada = await newcomer(general);
  calm.expect(CONNECTION_REFUSED);
  await server.kill();
  await ada.say('For General');
  await ada.sees('For General', 'sending');
  await ada.enter(help);
  await ada.say('For Help');
  await ada.sees('For Help', 'sending');
  await server.start();

  await ada.seesAll(['For Help'], 'stored');
  await ada.enter(general);
  await ada.seesAll(['For General'], 'stored');
  for (const [room, text] of [[general, 'For General'], [help, 'For Help']] as const) {
    expect((await stored(room)).map((message) => message.message)).toEqual([text]);
  }
});

test('a page that is loaded while its socket cannot open shows what waits, and sends it later', async ({ room, newcomer, proxyOf, calm }) => {
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  calm.expect(CONNECTION_CLOSED);
  proxy.upgrades = false;
  proxy.cut();
  await expect(ada.banner).toContainText('Reconnecting');
  await ada.say('Patience');
  await ada.sees('Patience', 'sending');

  await ada.page.reload();
  await ada.hydrated();
  await ada.seesAll(['Patience'], 'sending');
  await expect(ada.row('Patience')).toHaveClass(/\bmine\b/);

  proxy.upgrades = true;
  await ada.seesAll(['Patience'], 'stored');
  expect((await stored(room)).map((message) => message.message)).toEqual(['Patience']);
});

test('two tabs share what waits, and nothing is doubled', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  const left = await newcomer(room);
  const right = await left.another();
  const lin = await newcomer(room);
  calm.expect(CONNECTION_REFUSED);
  await server.kill();

  await left.say('Left 1', 'Left 2');
  await right.sees('Left 2', 'sending');
  await right.say('Right 1', 'Right 2');
  await left.sees('Right 2', 'sending');
  const texts = ['Left 1', 'Left 2', 'Right 1', 'Right 2'];
  for (const tab of [left, right]) await tab.seesAll(texts, 'sending');
  await server.start();

  for (const tab of [left, right, lin]) await tab.seesAll(texts, 'stored');
  expect((await stored(room)).map((message) => message.message)).toEqual(texts);
  expect(await outbox(left.page)).toEqual([]);
});

test('what one tab left behind, the other sends', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  const left = await newcomer(room);
  const right = await left.another();
  calm.expect(CONNECTION_REFUSED);
  await server.kill();
  await left.say('Left behind');
  await right.sees('Left behind', 'sending');
  await left.page.close();
  await server.start();

  await right.seesAll(['Left behind'], 'stored');
  const lin = await newcomer(room);
  await lin.seesAll(['Left behind'], 'stored');
});

test('without a network the page says so, keeps what is written and goes on by itself', async ({ room, newcomer, calm }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await expect(ada.banner.filter({ hasText: /\w/ })).toBeHidden();
  calm.expect(NO_NETWORK);

  await ada.page.context().setOffline(true);
  await expect(ada.banner).toContainText('Reconnecting', { timeout: 5_000 });
  await expect(ada.you).not.toContainText('Connected');
  await expect(ada.composer).toBeEnabled();
  await ada.say('From the tunnel');
  await ada.sees('From the tunnel', 'sending');
  await lin.say('From outside');

  const said = await listenToBanner(ada);
  await ada.page.context().setOffline(false);
  await expect.poll(said).toContain('Back online');
  await ada.connected();
  await ada.sees('From the tunnel');
  await ada.sees('From outside');
  await lin.sees('From the tunnel');
  await expect(ada.rows).toHaveCount(2);
  await expect(ada.banner.filter({ hasText: /\w/ })).toBeHidden();
});

test('a server that is killed while people write loses nothing and doubles nothing', async ({ startServer, newcomer, calm }) => {
  const server = await startServer({ restarts: true });
  const room = server.room('room1');
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = Array.from({ length: 24 }, (_, index) => `Message ${index}`);
  calm.expect(CONNECTION_REFUSED, CONNECTION_CLOSED);

  await ada.say(...texts.slice(0, 8));
  await server.kill();
  await ada.say(...texts.slice(8, 16));
  await server.start();
  await ada.say(...texts.slice(16));
  await server.kill();
  await server.start();

  for (const tab of [ada, lin]) await tab.seesAll(texts, 'stored');
  expect((await stored(room)).map((message) => message.message)).toEqual(texts);
  expect(await outbox(ada.page)).toEqual([]);
});

test('too fast is not refused: the messages wait their turn', async ({ startServer, newcomer }) => {
  const server = await startServer({ env: { SPHERE_RATE_PER_SECOND: '3', SPHERE_RATE_BURST: '1' } });
  const room = server.room('room1');
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const texts = Array.from({ length: 8 }, (_, index) => `Message ${index}`);
  await ada.say(...texts);

  for (const tab of [ada, lin]) await tab.seesAll(texts, 'stored');
  expect(ada.frames('received', 'message:nack').length).toBeGreaterThan(0);
});

test('a message that the server refuses shows why, and can be removed', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const userId = await ada.stored('anonymousUserId');
  await ada.say('Good');
  await ada.sees('Good');

  // The page never writes this one: it is put where messages wait, as an older client could have left it.
  const cid = '019ab3c4-0000-7000-8000-000000000000';
  const entry = JSON.stringify({ text: 'x'.repeat(5001), at: new Date().toISOString(), attempt: 0 });
  await ada.page.evaluate(([key, value]) => localStorage.setItem(key, value), [
    `outbox:${userId}:${room.name}:${Date.now()}:${cid}`,
    entry,
  ] as const);
  await ada.reload();

  const row = ada.log.locator('article[data-state="refused"]');
  await expect(row).toContainText(/Not sent: \S+/);
  await expect(row.getByRole('button', { name: 'Try again' })).toBeVisible();
  await ada.say('It blocks nobody');
  await ada.sees('It blocks nobody');
  expect(ada.frames('sent', 'event:message').filter((frame) => frame.data.cid === cid), 'it is sent once, not again and again').toHaveLength(1);
  await row.getByRole('button', { name: 'Remove' }).click();
  await expect(row).toHaveCount(0);
  expect(await outbox(ada.page)).toEqual([]);

  await ada.reload();
  await ada.seesAll(['Good', 'It blocks nobody'], 'stored');
});

test('a refused message can be tried again', async ({ room, unopened, newcomer }) => {
  const ada = await unopened(room);
  await refuse(ada.page, 1, 'forbidden');
  await ada.load();
  const lin = await newcomer(room);

  await ada.say('Once more');
  await ada.sees('Once more', 'refused');
  await expect(ada.row('Once more')).toContainText(/Not sent: \S+/);
  await lin.seesAll([]);
  expect(await outbox(ada.page)).toHaveLength(1);
  await ada.row('Once more').getByRole('button', { name: 'Try again' }).click();

  for (const tab of [ada, lin]) await tab.seesAll(['Once more'], 'stored');
  await expect(ada.row('Once more')).not.toContainText('Not sent');
  expect(await outbox(ada.page)).toEqual([]);
});

test('a refused message is still there after a reload', async ({ room, unopened }) => {
  const ada = await unopened(room);
  await refuse(ada.page, 1, 'forbidden');
  await ada.load();
  await ada.say('Not this one');
  await ada.sees('Not this one', 'refused');

  await ada.reload();
  await ada.sees('Not this one', 'refused');
  await ada.row('Not this one').getByRole('button', { name: 'Try again' }).click();
  await ada.seesAll(['Not this one'], 'stored');
});
