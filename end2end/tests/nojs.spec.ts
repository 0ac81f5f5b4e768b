import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

const WITHOUT = { javaScriptEnabled: false };

/** Chromium fetches ahead what only a script would have used. */
const PRELOADED = /^The resource \S+\.wasm was preloaded using link preload but not used within a few seconds/;

test.beforeEach(({ calm }) => calm.expect(PRELOADED));

test('without JavaScript a room is readable', async ({ room, unopened }) => {
  await write(room, 'Lin', 'Readable', 'See https://example.org/', '<b>not bold</b>');
  const ada = await unopened(room, WITHOUT);
  await ada.page.goto(`${room.origin}/rooms/${room.name}`);

  await expect(ada.page).toHaveTitle(new RegExp(room.title));
  await expect(ada.heading).toHaveText(room.title);
  await ada.seesAll(['Readable', 'See https://example.org/', '<b>not bold</b>'], 'stored');
  await expect(ada.row('Readable')).toContainText('Lin');
  const time = ada.row('Readable').locator('time');
  const at = (await time.getAttribute('datetime')) ?? '';
  expect(Math.abs(Date.now() - Date.parse(at))).toBeLessThan(60_000);
  await expect(time).toHaveText(new Date(at).toISOString().slice(11, 16));
  await expect(ada.log.getByRole('heading', { level: 2 })).toHaveCount(1);
  await expect(ada.bubbles.getByRole('link')).toHaveAttribute('href', 'https://example.org/');
});

test('without JavaScript the rooms are plain links', async ({ room, otherRoom, unopened }) => {
  await write(otherRoom, 'Lin', 'Over here');
  const ada = await unopened(room, WITHOUT);
  await ada.page.goto(`${room.origin}/rooms/${room.name}`);
  await expect(ada.page.getByText('No messages yet. Start chatting!')).toBeVisible();
  await expect(ada.link(room)).toHaveAttribute('aria-current', 'page');

  await ada.enter(otherRoom);
  await expect(ada.page).toHaveURL(`${room.origin}/rooms/${otherRoom.name}`);
  await ada.seesAll(['Over here']);
});

test('without JavaScript the page says what is missing', async ({ room, unopened }) => {
  const ada = await unopened(room, WITHOUT);
  await ada.page.goto(`${room.origin}/rooms/${room.name}`);
  await expect(ada.page.getByText(/JavaScript/)).toBeVisible();
});

test('an address that leads nowhere says so and shows the rooms', async ({ room, unopened, calm }) => {
  calm.expect(/^Failed to load resource: the server responded with a status of 404 \(Not Found\)$/);
  for (const options of [WITHOUT, {}]) {
    const ada = await unopened(room, options);
    for (const path of ['/rooms/no-such-room', '/nowhere', '/rooms/%3Cscript%3E']) {
      const answer = await ada.page.goto(room.origin + path);
      expect(answer?.status()).toBe(404);
      await expect(ada.page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(ada.link(room)).toBeVisible();
    }
    await ada.enter(room);
    await expect(ada.log).toBeVisible();
  }
});
