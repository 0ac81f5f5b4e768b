// Writes public/emoji.txt from the npm package gemoji (MIT, see public/emoji.LICENSE.txt):
//   npm pack gemoji@8.1.0 && tar xzf gemoji-8.1.0.tgz && node dev.d/emoji.mjs package/index.js
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const { gemoji } = await import(pathToFileURL(process.argv[2]).href);
const lines = gemoji.map(({ emoji, names }) => `${emoji} ${names.join(' ')}\n`);
writeFileSync(new URL('../public/emoji.txt', import.meta.url), lines.join(''));
