import type { Locator } from '@playwright/test';

import type { Tab } from './support/tab.ts';
import { expect, test } from './support/test.ts';

function list(tab: Tab): Locator {
  return tab.page.getByRole('listbox', { name: 'Emoji' });
}

function chosen(tab: Tab): Locator {
  return list(tab).getByRole('option', { selected: true });
}

test('the list is loaded when a name is begun, and not before', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  const asked = () => ada.requests.filter((url) => url.endsWith('/emoji.txt')).length;
  await ada.composer.pressSequentially('At 12:30, :s');
  await expect(list(ada)).toBeHidden();
  expect(asked()).toBe(0);
  await ada.composer.pressSequentially('mi');
  await expect(list(ada)).toBeVisible();
  await ada.composer.pressSequentially('l');
  expect(asked()).toBe(1);
});

test('arrows choose, Enter takes, and the focus never leaves the field', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.composer.fill('before after');
  await ada.composer.press('Home');
  for (let step = 0; step < 'before '.length; step++) await ada.composer.press('ArrowRight');
  await ada.composer.pressSequentially(':tad');
  await expect(chosen(ada)).toContainText('tada');
  const active = async () => (await ada.composer.getAttribute('aria-activedescendant')) ?? '';
  await expect(chosen(ada)).toHaveAttribute('id', await active());
  const first = await chosen(ada).textContent();
  await ada.composer.press('ArrowUp');
  await expect(chosen(ada)).toHaveAttribute('id', await active());
  await ada.composer.press('ArrowDown');
  await expect(chosen(ada)).toHaveText(first ?? '');
  await ada.composer.press('Enter');
  await expect(ada.composer).toHaveValue('before 🎉 after');
  await expect(ada.composer).toBeFocused();
  await expect(list(ada)).toBeHidden();
  await ada.composer.pressSequentially('and ');
  await expect(ada.composer).toHaveValue('before 🎉 and after');
  await expect(ada.rows).toHaveCount(0);
});

test('Tab takes, Escape closes, a click takes', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  await ada.composer.pressSequentially(':thumbsu');
  await expect(chosen(ada)).toBeVisible();
  await ada.composer.press('Tab');
  await expect(ada.composer).toHaveValue('👍 ');

  await ada.composer.pressSequentially(':rocke');
  await expect(chosen(ada)).toBeVisible();
  await ada.composer.press('Escape');
  await expect(list(ada)).toBeHidden();
  await expect(ada.composer).toHaveValue('👍 :rocke');
  await ada.composer.press('Enter');
  await ada.sees('👍 :rocke');

  await ada.composer.pressSequentially(':rocket');
  await list(ada).getByRole('option', { name: 'rocket' }).click();
  await expect(ada.composer).toHaveValue('🚀 ');
  await expect(ada.composer).toBeFocused();
});

test('a whole name becomes its emoji, also when the list comes late', async ({ room, newcomer }) => {
  const ada = await newcomer(room);
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await ada.page.route('**/emoji.txt', async (route) => {
    await held;
    await route.continue();
  });
  await ada.composer.pressSequentially('Well done :tada:');
  release();
  await expect(ada.composer).toHaveValue('Well done 🎉');
  await ada.composer.pressSequentially(' :smile: :nosuchemoji:');
  await expect(ada.composer).toHaveValue('Well done 🎉 😄 :nosuchemoji:');
  await ada.composer.press('Enter');
  await ada.sees('Well done 🎉 😄 :nosuchemoji:');
});

test('without a list one writes on', async ({ room, newcomer, calm }) => {
  calm.expect(/^Failed to load resource: the server responded with a status of 404 \(Not Found\)$/);
  const ada = await newcomer(room);
  await ada.page.route('**/emoji.txt', (route) => route.fulfill({ status: 404 }));
  await ada.composer.pressSequentially(':smile:');
  await ada.composer.press('Enter');
  await ada.sees(':smile:');
});
