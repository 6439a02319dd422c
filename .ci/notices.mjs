// After a build: the licences of everything that was bundled go into dist/, as those licences ask.
// The bundler marks where each module came from (`//#region node_modules/…`).
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const modules = fileURLToPath(new URL('../node_modules/', import.meta.url));
const region = /#region node_modules\/(?:\.[^/]+\/)?((?:@[^/]+\/)?[^/\s]+)/g;

const bundled = new Set();
for (const file of readdirSync(dist).filter((name) => name.endsWith('.js'))) {
  for (const [, name] of readFileSync(join(dist, file), 'utf8').matchAll(region)) bundled.add(name);
}
if (bundled.size === 0)
  throw new Error('No bundled package was found in dist/: has the bundler changed its marks?');

const notices = [...bundled].sort().map((name) => {
  const folder = join(modules, name);
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((each) => /^licen[cs]e(\.|$|-)/i.test(each));
  const text = file === undefined ? '' : `\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
  return `${name} ${version} (${license})\n${text}`;
});
writeFileSync(
  join(dist, 'THIRD-PARTY-LICENSES.txt'),
  `otarc contains these packages:\n\n${notices.join('\n----\n\n')}`,
);
