// What the banner says in passing.

import type { Tab } from './tab.ts';

/** Notes what the banner says from now on: what stands there for two seconds may be gone before anybody looks. */
export async function listenToBanner(tab: Tab): Promise<() => Promise<string[]>> {
  const said = await tab.banner.evaluateHandle((banner) => {
    const said: string[] = [];
    const hear = () => {
      const text = banner.textContent?.trim() ?? '';
      if (text !== '' && text !== said.at(-1)) said.push(text);
    };
    new MutationObserver(hear).observe(banner, { childList: true, subtree: true, characterData: true });
    return said;
  });
  return () => said.jsonValue();
}
