import { expect, test } from './support/test.ts';
import { WireUser } from './support/wire.ts';

const WITHOUT = { javaScriptEnabled: false };

test.beforeEach(({ calm }) => calm.expect(/^The resource \S+\.wasm was preloaded using link preload but not used within a few seconds/));

test('without JavaScript one reads back to the first message and forward again', async ({ room, unopened }) => {
  const texts = Array.from({ length: 120 }, (_, index) => `Message ${index}`);
  const lin = await WireUser.connect(room, 'Lin');
  await lin.say(...texts);
  lin.close();
  const ada = await unopened(room, WITHOUT);
  await ada.page.goto(`${room.origin}/rooms/${room.name}`);
  await ada.seesAll(texts.slice(70));

  const pages = ada.page.getByRole('navigation', { name: 'Pages of messages' });
  await pages.getByRole('link', { name: 'Older messages' }).click();
  await ada.seesAll(texts.slice(20, 70));
  await expect(ada.page).toHaveURL(/\?before=\d+$/);
  await expect(ada.page).toHaveTitle(`${room.title}, older messages · Sphere`);
  await expect(ada.page.getByRole('form', { name: 'New message' })).toHaveCount(0);

  await pages.getByRole('link', { name: 'Older messages' }).click();
  await ada.seesAll(texts.slice(0, 20));
  await expect(pages.getByRole('link', { name: 'Older messages' })).toHaveCount(0);

  await pages.getByRole('link', { name: 'Newer messages' }).click();
  await ada.seesAll(texts.slice(20, 70));
  await pages.getByRole('link', { name: 'Newest messages' }).first().click();
  await ada.seesAll(texts.slice(70));
  await expect(ada.page).toHaveURL(`${room.origin}/rooms/${room.name}`);
});

test('who has JavaScript reads an older page too, and sees no such links on the newest one', async ({ room, newcomer }) => {
  const texts = Array.from({ length: 60 }, (_, index) => `Message ${index}`);
  const lin = await WireUser.connect(room, 'Lin');
  await lin.say(...texts);
  lin.close();
  const ada = await newcomer(room);
  const pages = ada.page.getByRole('navigation', { name: 'Pages of messages' });
  await expect(pages).toBeHidden();
  const seq = await ada.rows.first().getAttribute('data-seq');
  await ada.page.goto(`${room.origin}/rooms/${room.name}?before=${seq}`);
  await ada.seesAll(texts.slice(0, 10));
  await pages.getByRole('link', { name: 'Newest messages' }).click();
  await ada.alive();
  await ada.say('Here again');
  await ada.sees('Here again');
});

test('a page says what it is', async ({ room, unopened }) => {
  const ada = await unopened(room, WITHOUT);
  await ada.page.goto(`${room.origin}/rooms/${room.name}`);
  await expect(ada.page.locator('link[rel=canonical]')).toHaveAttribute('href', `/rooms/${room.name}`);
  await expect(ada.page.locator('meta[name=description]')).toHaveAttribute('content', new RegExp(room.title));
  await expect(ada.page.locator('meta[name=robots]')).toHaveAttribute('content', 'noindex,nofollow');
});
