import { join } from 'node:path';

import type { Locator } from '@playwright/test';

import { DESKTOP, PHONE, STATES, VIEWS, view } from './support/states.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

const SCREENS = join(import.meta.dirname, '..', 'screens');

for (const [name, reach] of Object.entries(STATES)) {
  test(`the state "${name}" is whole in light and dark, on a desk and on a phone`, async ({ startServer, unopened, newcomer, calm }) => {
    const tab = await reach({ startServer, unopened, newcomer, calm });
    const grounds = new Set<string>();
    for (const reader of VIEWS) {
      await view(tab, reader);
      await expectNoOverflow(tab);
      grounds.add(await tab.page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      await tab.page.screenshot({ path: join(SCREENS, `${name}-${reader.name}.png`) });
    }
    expect(grounds.size, 'light and dark differ').toBe(2);
  });
}

async function expectNoOverflow(tab: Tab): Promise<void> {
  const { width, overflow } = await tab.page.evaluate(() => ({
    width: window.innerWidth,
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  expect(overflow, `horizontal overflow at ${width} px`).toBeLessThanOrEqual(0);
}

function menu(tab: Tab) {
  return tab.page.getByRole('main').getByRole('button', { name: /^Rooms/ });
}

function drawer(tab: Tab) {
  return tab.page.getByLabel('Rooms and you', { exact: true });
}

test('on a phone the rooms are a drawer that Escape closes', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const [room, otherRoom] = [server.room('room1'), server.room('room3')];
  const ada = await newcomer(room, { viewport: PHONE });
  await expect(ada.link(room)).not.toBeInViewport();
  await expect(menu(ada)).toHaveAttribute('aria-expanded', 'false');

  await menu(ada).click();
  await expect(drawer(ada)).toBeInViewport();
  await expect(ada.link(room)).toBeInViewport();
  await expect(ada.page.locator('main')).toHaveAttribute('inert', '');
  await expectNoOverflow(ada);
  await ada.page.screenshot({ path: join(SCREENS, 'drawer-phone-light.png') });

  await ada.page.keyboard.press('Escape');
  await expect(drawer(ada)).not.toBeInViewport();
  await expect(ada.page.locator('main')).not.toHaveAttribute('inert');
  await expect(menu(ada)).toBeFocused();

  await menu(ada).click();
  await ada.link(otherRoom).click();
  ada.room = otherRoom;
  await expect(ada.heading).toHaveText(otherRoom.title);
  await expect(drawer(ada)).not.toBeInViewport();
});

test('on a desk the rooms stand beside the log', async ({ startServer, newcomer }) => {
  const room = (await startServer()).room('room1');
  const ada = await newcomer(room, { viewport: DESKTOP });
  await expect(ada.page.getByRole('complementary', { name: 'Rooms and you' })).toBeVisible();
  await expect(ada.link(room)).toBeInViewport();
  await expect(menu(ada)).toBeHidden();
  await expect(ada.page.getByText('Enter sends, Shift Enter starts a line')).toBeVisible();
});

for (const width of [320, 390, 768, 1280, 1920]) {
  test(`at ${width} px everything is in reach and nothing overflows`, async ({ room, newcomer }) => {
    await write(room, 'Lin', 'Hello', 'A long text in many words. '.repeat(10).trim());
    const ada = await newcomer(room, { viewport: { width, height: 700 } });
    await ada.say('Hello, Lin');
    await ada.sees('Hello, Lin');
    await expectNoOverflow(ada);
    for (const part of [ada.heading, ada.composer, ada.sendButton, ada.row('Hello, Lin')]) await expect(part).toBeInViewport({ ratio: 1 });
  });
}

test('at 200 % zoom everything is in reach, and enough of the log to read', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'Hello', 'A long text in many words. '.repeat(5).trim());
  // 1280 by 800 pixels, each twice as large.
  const ada = await newcomer(room, { viewport: { width: 640, height: 400 }, deviceScaleFactor: 2 });
  await ada.say('Hello, Lin');
  await ada.sees('Hello, Lin');
  await expectNoOverflow(ada);
  for (const part of [ada.heading, ada.composer, ada.sendButton, ada.row('Hello, Lin')]) await expect(part).toBeInViewport({ ratio: 1 });
  expect(await ada.log.evaluate((log) => log.clientHeight / innerHeight)).toBeGreaterThan(0.5);
  await ada.page.screenshot({ path: join(SCREENS, 'zoom.png') });
});

test('with forced colours every message, field and focus has an edge that is seen', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'Hello', 'Some *bold* words, `code` and a https://example.org/link');
  const ada = await newcomer(room, { viewport: DESKTOP });
  await ada.page.emulateMedia({ forcedColors: 'active' });
  await ada.say('Hello, Lin');
  await ada.sees('Hello, Lin');
  const edge = (part: Locator) => part.evaluate((part) => {
    const { borderTopWidth, borderTopStyle, outlineWidth, outlineStyle } = getComputedStyle(part);
    return { border: borderTopStyle === 'none' ? 0 : parseFloat(borderTopWidth), outline: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth) };
  });
  for (const bubble of await ada.bubbles.all()) expect((await edge(bubble)).border).toBeGreaterThan(0);
  expect((await edge(ada.page.locator('.field'))).border).toBeGreaterThan(0);
  await ada.link(room).focus();
  await ada.page.keyboard.press('Shift+Tab');
  await ada.page.keyboard.press('Tab');
  expect((await edge(ada.link(room))).outline).toBeGreaterThan(0);
  await ada.composer.focus();
  await ada.page.screenshot({ path: join(SCREENS, 'forced-colours.png') });
});

test('the log shows its end, and goes there with each own message', async ({ room, newcomer }) => {
  await write(room, 'Lin', ...Array.from({ length: 45 }, (_, index) => `Line ${index}`));
  const ada = await newcomer(room, { viewport: DESKTOP });
  await expect(ada.row('Line 44')).toBeInViewport({ ratio: 1 });
  await ada.say('Mine');
  await expect(ada.row('Mine')).toBeInViewport({ ratio: 1 });
});

test('targets are large enough for a finger', async ({ room, newcomer }) => {
  const ada = await newcomer(room, { viewport: PHONE, hasTouch: true, isMobile: true });
  await ada.composer.fill('Hello');
  for (const target of [menu(ada), ada.sendButton, ada.composer]) {
    const box = await target.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
  }
});

test('everything is reached by keyboard alone, with a ring around the focus', async ({ room, otherRoom, newcomer }) => {
  const ada = await newcomer(room, { viewport: DESKTOP });
  await ada.link(otherRoom).focus();
  await ada.page.keyboard.press('Enter');
  ada.room = otherRoom;
  await expect(ada.heading).toHaveText(otherRoom.title);

  await ada.composer.focus();
  await ada.page.keyboard.type('By keyboard');
  await ada.page.keyboard.press('Tab');
  await expect(ada.sendButton).toBeFocused();
  const ring = await ada.sendButton.evaluate((button) => getComputedStyle(button).outlineStyle);
  expect(ring).not.toBe('none');
  await ada.page.keyboard.press('Enter');
  await ada.sees('By keyboard');
});
