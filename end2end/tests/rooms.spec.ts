import type { Room } from './support/server.ts';
import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';
import { lines, write } from './support/wire.ts';

const favicon = (tab: Tab) => tab.page.locator('link[rel=icon]');

/** Somebody who was in one room and is in the other now, so that both are followed. */
async function inTwo(tab: Tab, otherRoom: Room): Promise<Tab> {
  await tab.enter(otherRoom);
  await expect(tab.page).toHaveTitle(`${otherRoom.title} · Sphere`);
  return tab;
}

test('what is unread elsewhere is counted exactly, in the list, the title and the favicon, and is gone once it is read', async ({ room, otherRoom, newcomer }) => {
  const ada = await inTwo(await newcomer(room), otherRoom);
  await expect(favicon(ada)).toHaveAttribute('href', '/favicon.svg');

  await write(room, 'Lin', ...lines(2));
  await expect(ada.badge(room)).toHaveText('22 unread');
  await write(room, 'Lin', 'One more');
  await expect(ada.badge(room)).toHaveText('33 unread');
  await expect(ada.link(room)).toHaveAccessibleName(/\b3 unread$/);
  await expect(ada.link(room)).toContainText('Lin: One more');
  await expect(ada.page).toHaveTitle(`(3) ${otherRoom.title} · Sphere`);
  await expect(favicon(ada)).toHaveAttribute('href', '/favicon-unread.svg');
  expect((await ada.page.request.get(`${room.origin}/favicon-unread.svg`)).ok()).toBe(true);

  await ada.enter(room);
  await expect(ada.badge(room)).toHaveCount(0);
  await expect(ada.page).toHaveTitle(`${room.title} · Sphere`);
  await expect(favicon(ada)).toHaveAttribute('href', '/favicon.svg');
});

test('own messages are not unread, also those of another tab', async ({ room, otherRoom, newcomer }) => {
  const left = await inTwo(await newcomer(room), otherRoom);
  const right = await left.another(room);
  // Who has turned away from a tab does not read there.
  await right.watch(false);
  await right.say('Mine');
  await right.sees('Mine');
  await write(room, 'Lin', 'Not mine');

  await expect(left.badge(room)).toHaveText('11 unread');
});

test('the count is exact up to 99, then it is 99+', async ({ room, otherRoom, newcomer }) => {
  const ada = await inTwo(await newcomer(room), otherRoom);
  await write(room, 'Lin', ...lines(99));
  await expect(ada.badge(room)).toHaveText('9999 unread');
  await expect(ada.page).toHaveTitle(`(99) ${otherRoom.title} · Sphere`);
  await write(room, 'Lin', 'The hundredth');
  await expect(ada.badge(room)).toHaveText('99+more than 99 unread');
  await expect(ada.page).toHaveTitle(`(99+) ${otherRoom.title} · Sphere`);
});

test('after a reload the count is still exact', async ({ room, otherRoom, newcomer }) => {
  const ada = await inTwo(await newcomer(room), otherRoom);
  await write(room, 'Lin', ...lines(3));
  await expect(ada.badge(room)).toHaveText('33 unread');

  await ada.reload();
  await expect(ada.badge(room)).toHaveText('33 unread');
  await ada.page.context().setOffline(true);
  await expect(ada.banner).toContainText('Reconnecting');
  await write(room, 'Lin', ...lines(4, 3));
  await ada.page.context().setOffline(false);
  await expect(ada.badge(room)).toHaveText('77 unread');
});

test('a room that was never entered gets a dot when something is said there', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const ada = await newcomer(server.room('room1'));
  const other = server.room('room3');
  await expect(ada.badge(other)).toHaveCount(0);
  await write(other, 'Lin', 'Is anybody here?');

  await expect(ada.link(other)).toHaveAccessibleName(/\bnew messages$/);
  await expect(ada.badge(other)).toHaveClass(/\bplain\b/);
  // Nothing is known about who is meant: the dot does not call.
  await expect(ada.page).toHaveTitle('General · Sphere');
  await ada.enter(other);
  await ada.sees('Is anybody here?');
  await expect(ada.badge(other)).toHaveCount(0);
});

test('a muted room has a hollow badge, and neither title nor favicon tell of it', async ({ room, otherRoom, newcomer }) => {
  const ada = await newcomer(room);
  const bell = ada.page.getByRole('button', { name: `Mute ${room.title}` });
  await expect(bell).toHaveAttribute('aria-pressed', 'false');
  await bell.click();
  await expect(bell).toHaveAttribute('aria-pressed', 'true');
  await inTwo(ada, otherRoom);
  await write(room, 'Lin', ...lines(2));

  await expect(ada.badge(room)).toHaveText('22 unread');
  await expect(ada.badge(room)).toHaveClass(/\bquiet\b/);
  await expect(ada.link(room)).toHaveAccessibleName(/\bmuted\b/);
  await expect(ada.page).toHaveTitle(`${otherRoom.title} · Sphere`);
  await expect(favicon(ada)).toHaveAttribute('href', '/favicon.svg');

  await ada.reload();
  await expect(ada.badge(room)).toHaveClass(/\bquiet\b/);
  await expect(ada.page).toHaveTitle(`${otherRoom.title} · Sphere`);
  const right = await ada.another(room);
  await right.page.getByRole('button', { name: `Mute ${room.title}` }).click();
  await expect(ada.link(room)).not.toHaveAccessibleName(/\bmuted\b/);
});

test('several rooms are live at once, over one connection, and entering them asks for nothing', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const rooms = ['room1', 'room2', 'room3', 'room4'].map((name) => server.room(name));
  const [first, ...others] = rooms as [Room, Room, Room, Room];
  const ada = await newcomer(first);
  for (const room of [...others, first]) await ada.enter(room);
  await expect.poll(() => ada.frames('received', 'room:joined').length).toBe(4);
  for (const room of others) await write(room, 'Lin', `In ${room.title}`, 'And again');
  for (const room of others) await expect(ada.badge(room)).toHaveText('22 unread');
  const asked = ada.frames('sent').filter(({ event }) => event !== 'ping').length;

  for (const room of others) {
    await ada.enter(room);
    await ada.seesAll([`In ${room.title}`, 'And again'], 'stored');
    await expect(ada.badge(room)).toHaveCount(0);
  }
  expect(ada.frames('sent').filter(({ event }) => event !== 'ping')).toHaveLength(asked);
  expect(ada.sockets).toHaveLength(1);
});

test('what is read in one tab is read in the other within a second, and stays read after a reload', async ({ room, otherRoom, newcomer }) => {
  const left = await inTwo(await newcomer(room), otherRoom);
  const right = await left.another(otherRoom);
  await write(room, 'Lin', ...lines(5));
  for (const tab of [left, right]) await expect(tab.link(room)).toHaveAccessibleName(/\b5 unread$|\bnew messages$/);

  await left.enter(room);
  await expect(left.badge(room)).toHaveCount(0);
  await expect(right.badge(room)).toHaveCount(0, { timeout: 1_000 });
  await right.reload();
  await expect(right.heading).toHaveText(otherRoom.title);
  await expect(right.badge(room)).toHaveCount(0);
  await write(room, 'Lin', 'Seen at once');
  await left.sees('Seen at once');
  await left.reload();
  await expect(left.badge(room)).toHaveCount(0);
});

test('the switcher finds a room by a few letters, with arrows and Enter, and gives the focus back', async ({ startServer, newcomer }) => {
  const server = await startServer({ rooms: { lobby: 'Lobby', robots: 'Robots', off: 'Off-topic', help: 'Help' } });
  const ada = await newcomer(server.room('lobby'));
  await ada.composer.focus();
  await ada.page.keyboard.press('Control+k');
  const field = ada.switcher.getByRole('combobox', { name: 'Jump to a room' });
  await expect(field).toBeFocused();
  const options = ada.switcher.getByRole('option');
  await expect(options).toHaveText([/Lobby$/, /Robots$/, /Off-topic$/, /Help$/]);
  const selected = () => ada.switcher.getByRole('option', { selected: true });

  // The beginning of a word is nearer than the middle of one.
  await ada.page.keyboard.type('ot');
  await expect(options).toHaveText([/Off-topic$/, /Robots$/]);
  await expect(selected()).toHaveText(/Off-topic$/);
  await expect(field).toHaveAttribute('aria-activedescendant', (await selected().getAttribute('id')) ?? '?');
  await ada.page.keyboard.press('ArrowDown');
  await expect(selected()).toHaveText(/Robots$/);
  await ada.page.keyboard.press('ArrowDown');
  await expect(selected()).toHaveText(/Off-topic$/);
  await ada.page.keyboard.press('ArrowUp');
  await expect(selected()).toHaveText(/Robots$/);
  await ada.page.keyboard.press('Enter');
  ada.room = server.room('robots');
  await expect(ada.switcher).toBeHidden();
  await expect(ada.heading).toHaveText('Robots');
  await expect(ada.composer).toBeFocused();
  expect(ada.sockets).toHaveLength(1);

  await ada.page.keyboard.press('Meta+k');
  await ada.page.keyboard.type('xyz');
  await expect(ada.switcher.getByText('No room has this name.')).toBeVisible();
  await ada.page.keyboard.press('Enter');
  await expect(ada.switcher).toBeVisible();
  await ada.page.keyboard.press('Escape');
  await expect(ada.switcher).toBeHidden();
  await expect(ada.composer).toBeFocused();
  await expect(ada.heading).toHaveText('Robots');
});

test('the switcher shows rooms with something new first, and a click goes there', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const [room, other] = [server.room('room1'), server.room('room4')];
  const ada = await newcomer(other);
  await inTwo(ada, room);
  await write(other, 'Lin', ...lines(2));
  await expect(ada.badge(other)).toHaveText('22 unread');
  await ada.page.getByRole('button', { name: /^Jump to a room/ }).click();
  const options = ada.switcher.getByRole('option');
  await expect(options.first()).toContainText('Off-topic');
  await expect(options.first()).toContainText('2 unread');
  await options.first().click();
  ada.room = other;
  await expect(ada.heading).toHaveText('Off-topic');
  await expect(ada.switcher).toBeHidden();
});
