import { expect, test } from './support/test.ts';

test('a reload keeps who I am and what was said', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  await ada.say('Mine');
  await lin.sees('Mine');
  await lin.say('Not mine');
  await ada.sees('Not mine');
  const keys = async () => [await ada.stored('anonymousUserId'), await ada.stored('anonymousUserSecret')];
  const before = await keys();
  expect(before[0]).toMatch(/^anon_\d+_[0-9a-z]{9}$/);
  expect(before[1]).toMatch(/^[0-9a-f]{32}$/);

  await ada.reload();

  await ada.seesAll(['Mine', 'Not mine'], 'stored');
  await expect(ada.row('Mine')).toHaveClass(/\bmine\b/);
  await expect(ada.row('Not mine')).not.toHaveClass(/\bmine\b/);
  expect(await keys()).toEqual(before);
  await ada.say('Mine again');
  await ada.sees('Mine again');
  await lin.sees('Mine again');
  await expect(lin.row('Mine again')).not.toHaveClass(/\bmine\b/);
});

test('history is there after a restart of the server', async ({ startServer, newcomer }) => {
  const server = await startServer({ restarts: true });
  const ada = await newcomer(server.room('room1'));
  await ada.say('Before');
  await ada.sees('Before');
  await ada.page.close();

  await server.restart();

  const lin = await newcomer(server.room('room1'));
  await lin.seesAll(['Before'], 'stored');
});

test('two tabs are one person', async ({ room, newcomer }) => {
  const left = await newcomer(room);
  const right = await left.another();
  const lin = await newcomer(room);

  await left.say('From the left tab');
  await right.sees('From the left tab');
  await right.say('From the right tab');
  await left.sees('From the right tab');
  await lin.sees('From the right tab');
  await lin.say('From somebody else');
  await left.sees('From somebody else');

  const texts = ['From the left tab', 'From the right tab', 'From somebody else'];
  for (const tab of [left, right]) {
    await tab.seesAll(texts, 'stored');
    await expect(tab.log.locator('article.mine')).toHaveCount(2);
    await expect(tab.row('From somebody else')).not.toHaveClass(/\bmine\b/);
  }
  await lin.seesAll(texts, 'stored');
  await expect(lin.log.locator('article.mine')).toHaveCount(1);
});

test('a new name shows in both tabs, and on later messages', async ({ room, newcomer }) => {
  const left = await newcomer(room);
  const right = await left.another();
  const lin = await newcomer(room);
  await left.say('Nameless');
  await lin.sees('Nameless');
  await expect(lin.row('Nameless')).toContainText('Anonymous');

  await left.rename('Ada Lovelace');
  await expect(right.you).toContainText('Ada Lovelace');
  await right.say('With a name');
  await lin.sees('With a name');

  await expect(lin.row('With a name')).toContainText('Ada Lovelace');
  await expect(lin.row('Nameless')).toContainText('Anonymous');
  await expect(lin.row('Nameless')).not.toContainText('Ada Lovelace');
  expect(await left.stored('userName')).toContain('Ada Lovelace');

  await right.reload();
  await expect(right.you).toContainText('Ada Lovelace');
});

test('white space around a name is cut off', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const field = await ada.openSettings();
  await field.fill('   Ada   ');
  await field.press('Enter');
  await expect(ada.settings.getByText('Saved.', { exact: true })).toBeVisible();
  await ada.closeSettings();
  await expect(ada.you).toContainText('Ada');
  await ada.openSettings();
  await expect(ada.settings.getByRole('textbox', { name: 'Display name' })).toHaveValue('Ada');
});

test('a name that nobody could read is not taken, and the dialog says why', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.rename('Ada');
  const profiles = ada.frames('sent', 'profile').length;

  const field = await ada.openSettings();
  for (const bad of ['', '   ', 'A'.repeat(33), 'Ada\u202egnol', 'A\u200bda', 'A\u0007da']) {
    await field.fill(bad);
    await ada.settings.getByRole('button', { name: 'Save' }).click();
    await expect(ada.settings).toBeVisible();
    await expect(field).toHaveAttribute('aria-invalid', 'true');
    await expect(field).toHaveAccessibleDescription('A name has 1 to 32 visible characters.');
  }
  await ada.page.keyboard.press('Escape');

  await expect(ada.settings).toBeHidden();
  await expect(ada.you).toContainText('Ada');
  expect(ada.frames('sent', 'profile')).toHaveLength(profiles);
});

test('the longest name is taken, emoji and all', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const lin = await newcomer(room);
  const name = `${'é'.repeat(31)}🌙`;
  await ada.rename(name);
  await ada.say('Hello');
  await lin.sees('Hello');
  await expect(lin.row('Hello')).toContainText(name);
});
