import { expect, test } from './support/test.ts';
import { write } from './support/wire.ts';

test('what is said in one room is not heard in another', async ({ room, otherRoom, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(otherRoom);

  await ada.say('Only here');
  await ada.sees('Only here');
  await lin.say('Only there');
  await lin.sees('Only there');

  await ada.seesAll(['Only here']);
  await lin.seesAll(['Only there']);
  expect(JSON.stringify(ada.frames('received'))).not.toContain('Only there');
  expect(JSON.stringify(lin.frames('received'))).not.toContain('Only here');
});

test('changing rooms keeps the socket, the page and both histories', async ({ room, otherRoom, newcomer }) => {
  await write(room, 'Lin', 'Old here');
  await write(otherRoom, 'Lin', 'Old there');
  const ada = await newcomer(room);
  await ada.page.evaluate(() => Object.assign(window, { samePage: true }));
  await ada.say('New here');
  await ada.seesAll(['Old here', 'New here'], 'stored');

  await ada.enter(otherRoom);
  await ada.seesAll(['Old there'], 'stored');
  await ada.say('New there');
  await ada.seesAll(['Old there', 'New there'], 'stored');

  await ada.enter(room);
  await ada.seesAll(['Old here', 'New here'], 'stored');
  await ada.enter(otherRoom);
  await ada.seesAll(['Old there', 'New there'], 'stored');

  expect(ada.sockets).toHaveLength(1);
  expect(ada.sockets[0]?.socket.isClosed()).toBe(false);
  expect(await ada.page.evaluate(() => 'samePage' in window)).toBe(true);
});

test('what is said while I am in another room is there when I come back', async ({ room, otherRoom, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await ada.enter(otherRoom);
  await lin.say('Where is Ada?', 'Ada?');
  await lin.seesAll(['Where is Ada?', 'Ada?'], 'stored');
  await ada.seesAll([]);

  await ada.enter(room);
  await ada.seesAll(['Where is Ada?', 'Ada?'], 'stored');
});

test('the page says which room it shows, and the way back works', async ({ room, otherRoom, newcomer }) => {
  const ada = await newcomer(room);
  await expect(ada.link(room)).toHaveAttribute('aria-current', 'page');
  await expect(ada.rooms.locator('[aria-current]')).toHaveCount(1);
  await expect(ada.page).toHaveTitle(new RegExp(room.title));

  await ada.enter(otherRoom);
  await expect(ada.page).toHaveURL(`${room.origin}/rooms/${otherRoom.name}`);
  await expect(ada.page).toHaveTitle(new RegExp(otherRoom.title));
  await expect(ada.link(otherRoom)).toHaveAttribute('aria-current', 'page');
  await expect(ada.rooms.locator('[aria-current]')).toHaveCount(1);

  await ada.page.goBack();
  await expect(ada.heading).toHaveText(room.title);
  await expect(ada.link(room)).toHaveAttribute('aria-current', 'page');
  await ada.page.goForward();
  await expect(ada.heading).toHaveText(otherRoom.title);
  expect(ada.sockets).toHaveLength(1);
});

test('without settings there are four rooms, and people talk in each', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const names = ['room1', 'room2', 'room3', 'room4'];
  const ada = await newcomer(server.room('room1'));
  const lin = await newcomer(server.room('room1'));
  await expect(ada.rooms.getByRole('link')).toHaveText([/^General/, /^Random/, /^Help/, /^Off-topic/]);

  for (const name of names) {
    const room = server.room(name);
    await ada.enter(room);
    await lin.enter(room);
    await ada.say(`Ada in ${room.title}`);
    await lin.sees(`Ada in ${room.title}`);
    await lin.say(`Lin in ${room.title}`);
    await ada.seesAll([`Ada in ${room.title}`, `Lin in ${room.title}`], 'stored');
  }
});

test('the address alone opens the first room, and later the room that was shown last', async ({ startServer, newcomer }) => {
  const server = await startServer();
  const ada = await newcomer(server.room('room3'));
  await ada.page.goto(server.origin);
  await expect(ada.heading).toHaveText('Help');
  await ada.alive();

  const lin = await newcomer(server.room('room1'));
  await lin.page.context().clearCookies();
  await lin.page.goto(server.origin);
  await expect(lin.heading).toHaveText('General');
  await lin.alive();
});
