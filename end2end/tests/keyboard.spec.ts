import { scrollUp, stand, stood } from './support/reader.ts';
import type { Server } from './support/server.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { lines, write } from './support/wire.ts';

/** In `General` of four rooms. */
async function inFour(server: Server, newcomer: (room: Tab['room']) => Promise<Tab>): Promise<Tab> {
  return newcomer(server.room('room1'));
}

/** Presses keys and waits for the room that they lead to. */
async function jump(tab: Tab, server: Server, keys: string, name: string): Promise<void> {
  await tab.page.keyboard.press(keys);
  tab.room = server.room(name);
  await expect(tab.heading).toHaveText(tab.room.title);
  await expect(tab.page).toHaveURL(`${tab.room.origin}/rooms/${name}`);
}

test('Alt and an arrow go to the room below or above, round and round', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const ada = await inFour(server, newcomer);
  for (const name of ['room2', 'room3', 'room4', 'room1']) await jump(ada, server, 'Alt+ArrowDown', name);
  for (const name of ['room4', 'room3']) await jump(ada, server, 'Alt+ArrowUp', name);
  // Whoever came here by keyboard writes at once.
  await expect(ada.composer).toBeFocused();
  await ada.page.keyboard.type('Here I am');
  await jump(ada, server, 'Alt+ArrowUp', 'room2');
  await jump(ada, server, 'Alt+ArrowDown', 'room3');
  await expect(ada.composer).toHaveValue('Here I am');
});

test('Alt, Shift and an arrow go to rooms with something new only', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const ada = await inFour(server, newcomer);
  for (const name of ['room2', 'room3', 'room4', 'room1']) await jump(ada, server, 'Alt+ArrowDown', name);
  await write(server.room('room2'), 'Lin', 'Here');
  await write(server.room('room4'), 'Lin', 'And here');
  for (const name of ['room2', 'room4']) await expect(ada.badge(server.room(name))).toBeVisible();

  await jump(ada, server, 'Alt+Shift+ArrowUp', 'room4');
  await jump(ada, server, 'Alt+Shift+ArrowUp', 'room2');
  await expect(ada.rooms.locator('.badge')).toHaveCount(0);
  await ada.page.keyboard.press('Alt+Shift+ArrowDown');
  // Nowhere to go: the next keys still find the same room.
  await jump(ada, server, 'Alt+ArrowDown', 'room3');
});

test('a question mark lists all keys, but not while somebody writes', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.composer.focus();
  await ada.page.keyboard.type('Really?');
  await expect(ada.composer).toHaveValue('Really?');
  await expect(ada.keys).toBeHidden();

  await ada.log.focus();
  await ada.page.keyboard.press('?');
  await expect(ada.keys).toBeVisible();
  for (const [keys, what] of [['Ctrl K or ⌘ K', 'jump to a room'], ['Esc', 'to the message field'], ['F6', 'the next part of the page']] as const) {
    await expect(ada.keys.getByText(keys, { exact: true })).toBeVisible();
    await expect(ada.keys.getByText(what, { exact: true })).toBeVisible();
  }
  await ada.page.keyboard.press('Escape');
  await expect(ada.keys).toBeHidden();
  await expect(ada.log).toBeFocused();

  await ada.page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
  await ada.keys.getByRole('button', { name: 'Close' }).click();
  await expect(ada.keys).toBeHidden();
  await expect(ada.page.getByRole('button', { name: 'Keyboard shortcuts' })).toBeFocused();
});

test('while a dialog is open its keys are its own', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const ada = await inFour(server, newcomer);
  const field = await ada.openSettings();
  await field.focus();
  await ada.page.keyboard.press('Alt+ArrowDown');
  await ada.page.keyboard.press('F6');
  await ada.page.keyboard.type('?');
  await expect(ada.settings).toBeVisible();
  await expect(ada.keys).toBeHidden();
  await expect(ada.heading).toHaveText('General');
  expect(await ada.page.evaluate(() => document.activeElement?.closest('dialog') !== null)).toBe(true);
  // The switcher comes instead of it, and goes by the same keys.
  await ada.page.keyboard.press('Control+k');
  await expect(ada.settings).toBeHidden();
  await expect(ada.switcher).toBeVisible();
  await expect(ada.switcher.getByRole('combobox')).toBeFocused();
  await ada.page.keyboard.press('Control+k');
  await expect(ada.switcher).toBeHidden();
});

test('F6 goes through the parts of the page, and back with Shift', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'Hello');
  const ada = await newcomer(room);
  await ada.composer.focus();
  const parts = [ada.link(room), ada.log, ada.composer];
  for (const part of [...parts, ...parts]) {
    await ada.page.keyboard.press('F6');
    await expect(part).toBeFocused();
  }
  for (const part of [ada.log, ada.link(room), ada.composer]) {
    await ada.page.keyboard.press('Shift+F6');
    await expect(part).toBeFocused();
  }
  // From inside of a part, too.
  await ada.log.focus();
  await ada.page.keyboard.press('ArrowUp');
  await expect(ada.row('Hello')).toBeFocused();
  await ada.page.keyboard.press('F6');
  await expect(ada.composer).toBeFocused();
});

test('arrows walk from message to message, Home and End to the first and the last, Enter to the tools, Escape to the field', async ({ room, newcomer }) => {
  await write(room, 'Lin', 'One', 'Two');
  await write(room, 'Grace', 'Three');
  const ada = await newcomer(room);
  await ada.log.focus();
  const walk = async (key: string, text: string) => {
    await ada.page.keyboard.press(key);
    await expect(ada.row(text)).toBeFocused();
    await expect(ada.row(text)).toBeInViewport({ ratio: 1 });
  };
  await walk('ArrowUp', 'Three');
  await walk('ArrowUp', 'Two');
  await walk('ArrowUp', 'One');
  await walk('ArrowUp', 'One');
  await walk('ArrowDown', 'Two');
  await walk('End', 'Three');
  await walk('ArrowDown', 'Three');
  await walk('Home', 'One');
  await walk('ArrowDown', 'Two');

  await expect(ada.tools).toHaveCount(1);
  await ada.page.keyboard.press('Enter');
  expect(await ada.page.evaluate(() => document.activeElement?.closest('.tools') !== null)).toBe(true);
  await ada.page.keyboard.press('Tab');
  await ada.page.keyboard.press('Tab');
  await expect(ada.tools.getByRole('button', { name: 'Copy text' })).toBeFocused();
  await ada.page.keyboard.press('Enter');
  await expect(ada.tools.getByRole('status')).toHaveText('Text copied');
  await ada.page.keyboard.press('Escape');
  await expect(ada.composer).toBeFocused();
  await expect(ada.tools).toHaveCount(0);
});

test('arrows walk through a long room by themselves, and the focus is never lost', async ({ room, newcomer }) => {
  test.setTimeout(60_000);
  await write(room, 'Lin', ...lines(200));
  const ada = await newcomer(room);
  await ada.log.focus();
  for (let step = 0; step < 180; step++) {
    await ada.page.keyboard.press('ArrowUp');
    await expect(ada.row(`Line ${199 - step}`)).toBeFocused();
  }
  await expect(ada.row('Line 20')).toBeInViewport({ ratio: 1 });
  await ada.page.keyboard.press('End');
  await expect(ada.row('Line 199')).toBeFocused();
  await expect(ada.row('Line 199')).toBeInViewport({ ratio: 1 });
});

test('a message that has the focus keeps it, whatever comes', async ({ room, newcomer, proxyOf }) => {
  await write(room, 'Lin', ...lines(120));
  const proxy = await proxyOf(room);
  const ada = await newcomer(proxy.room(room));
  await ada.log.focus();
  for (let step = 0; step < 3; step++) await ada.page.keyboard.press('ArrowUp');
  await expect(ada.row('Line 117')).toBeFocused();
  await write(room, 'Lin', 'New');
  await ada.sees('New');
  await expect(ada.row('Line 117')).toBeFocused();

  await scrollUp(ada, 300);
  const older = await ada.bubbles.first().textContent();
  await stand(ada, 30);
  await expect.poll(() => ada.bubbles.first().textContent()).not.toBe(older);
  await stood(ada);
  await expect(ada.row('Line 117')).toBeFocused();

  proxy.cut();
  await expect.poll(() => ada.sockets.length).toBe(2);
  await ada.connected();
  await expect(ada.row('Line 117')).toBeFocused();
});

test('Tab reaches everything in the order in which it stands, and each shows that it has the focus', async ({ startServer, newcomer }) => {
  const ada = await inFour(await startServer(), newcomer);
  await write(ada.room, 'Lin', 'Hello');
  await ada.sees('Hello');
  const skip = ada.page.getByRole('link', { name: 'Skip to the message field' });
  await expect(skip).not.toBeInViewport();
  await skip.focus();
  await expect(skip).toBeInViewport({ ratio: 1 });
  const button = (name: RegExp | string) => ada.page.getByRole('button', { name });
  const way = [
    button('Keyboard shortcuts'),
    button(/^Jump to a room/),
    ...(await ada.rooms.getByRole('link').all()),
    button('Your settings'),
    button('Mute General'),
    ada.log,
    ada.composer,
    ada.sendButton,
  ];
  for (const part of way) {
    await ada.page.keyboard.press('Tab');
    await expect(part).toBeFocused();
    const ring = await part.evaluate((element) => {
      const shows = ({ outlineStyle, boxShadow }: CSSStyleDeclaration) => outlineStyle !== 'none' || boxShadow !== 'none';
      return [element, element.closest('.field')].some((element) => element !== null && shows(getComputedStyle(element)));
    });
    expect(ring, 'a ring around it').toBe(true);
  }
  await skip.focus();
  await ada.page.keyboard.press('Enter');
  await expect(ada.composer).toBeFocused();
});
