/**
 * The fixture's Arduino boards, declared as the vendors' cores declare theirs where uploads are concerned: names of tools and
 * properties as in their platform.txt and boards.txt. The cores themselves are not here.
 */

import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Project } from './projects.ts';
import { templatePath } from './templates.ts';

export type Vendor = 'esp8266' | 'esp32' | 'rp2040';

const password = (tool: string): string =>
  `tools.${tool}.upload.field.password=Password\ntools.${tool}.upload.field.password.secret=true\n`;
const espota = 'python3 "{runtime.platform.path}/tools/espota.py"';
const image = '-f "{build.path}/{build.project_name}.bin"';
const modernTarget =
  '-i {upload.port.address} -p {upload.port.properties.port} "--auth={upload.field.password}"';
const byCable = (tool: string): string =>
  `tools.${tool}.upload.protocol=serial\ntools.${tool}.upload.pattern=echo by cable, "{serial.port}"\n`;

const vendors: Record<Vendor, { tool: string; network?: string; platform: string }> = {
  // Written for IDE 1: no pluggable discovery, one tool for cable and network. arduino-cli converts it.
  esp8266: {
    tool: 'esptool',
    platform: `${byCable('esptool')}tools.esptool.upload.network_pattern=${espota} -i "{serial.port}" -p "{network.port}" "--auth={network.password}" ${image}\n`,
  },
  esp32: {
    tool: 'esptool_py',
    network: 'esp_ota',
    platform: `pluggable_discovery.required.0=builtin:serial-discovery\npluggable_discovery.required.1=builtin:mdns-discovery\n${byCable('esptool_py')}tools.esp_ota.upload.protocol=network\n${password('esp_ota')}tools.esp_ota.upload.pattern=${espota} ${modernTarget} ${image}\n`,
  },
  rp2040: {
    tool: 'uf2conv',
    network: 'uf2conv-network',
    platform: `pluggable_discovery.required.0=builtin:serial-discovery\n${byCable('uf2conv')}tools.uf2conv-network.upload.protocol=network\n${password('uf2conv-network')}tools.uf2conv-network.upload.pattern=${espota} ${modernTarget} ${image}\n`,
  },
};

/** The folder of platform.txt and boards.txt. */
export function coreDir({ dir }: Project): string {
  return join(`${dir}.tools`, 'user', 'hardware', 'otarc', 'esp8266');
}

/** The folder that a user calls the sketchbook. */
export function sketchbookDir({ dir }: Project): string {
  return join(`${dir}.tools`, 'user');
}

export async function declareAs(vendor: Vendor, project: Project): Promise<void> {
  const { tool, network, platform } = vendors[vendor];
  const core = coreDir(project);
  const boards = (await readFile(join(core, 'boards.txt'), 'utf8'))
    .split('\n')
    .filter((line) => !/\.upload\.tool|\.upload_port\./.test(line))
    .flatMap((line) => {
      const [, board] = /^(\w+)\.name=/.exec(line) ?? [];
      if (board === undefined) return [line];
      const modern = [`${board}.upload.tool.default=${tool}`, `${board}.upload.tool.network=${network}`];
      const named = [`${board}.upload_port.0.board=${board}`];
      return [line, `${board}.upload.tool=${tool}`, ...(network === undefined ? [] : [...modern, ...named])];
    });
  await writeFile(join(core, 'boards.txt'), boards.join('\n'));
  await appendFile(join(core, 'platform.txt'), `\n${platform}`);
}

/** The lines of parts of the template platform.local.txt, switched on as a user does: without the `#` before them. */
export async function switchedOn(...parts: readonly ('b' | 'c' | 'd')[]): Promise<string> {
  const text = await readFile(templatePath('arduino-cli/platform.local.txt'), 'utf8');
  const [head = '', ...rest] = text.split(/^(?=# --- [a-z] ---)/m);
  const chosen = rest.filter((part) => parts.some((name) => part.startsWith(`# --- ${name} ---`)));
  if (chosen.length !== parts.length) throw new Error(`platform.local.txt has no parts ${parts.join(', ')}`);
  return [head, ...chosen].join('').replaceAll(/^#(?=[a-z])/gm, '');
}

/** Puts them into the core's platform.local.txt, beside what is there. */
export async function useLocal(project: Project, ...parts: readonly ('b' | 'c' | 'd')[]): Promise<void> {
  await appendFile(join(coreDir(project), 'platform.local.txt'), await switchedOn(...parts));
}

/** What was said on stderr, without what arduino-cli says wherever the discoveries of its own have not been downloaded. */
export function stderrOf({ stderr }: { readonly stderr: string }): string {
  return stderr.replaceAll(/^Error initializing instance: .* discovery builtin:.* not found\n/gm, '');
}
