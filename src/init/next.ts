/** What to type next. Pure. */

import { join } from 'node:path';
import { passwordVariable } from '../model/secret.ts';
import { isSameDevice, suggestedVariable } from './device-choice.ts';
import { sectionsOf } from './ini.ts';
import { environmentsOf, valueOf } from './ini-values.ts';
import { toReadableText } from './lines.ts';
import { passwordOf } from './otarc-file.ts';
import { isUploadHooked } from './plan-arduino.ts';
import { iniName } from './plan-pio.ts';
import type { Choices, ProjectSituation, InitPlan } from './types.ts';

export function nextSteps(facts: ProjectSituation, choices: Choices, plan: InitPlan): string[] {
  const { configured, installation, templates } = facts;
  const names = [...configured.devices, ...choices.devices].map(({ name }) => name);
  const install = 'npm install --save-dev otarc   (the hooks look for it in the project, then on PATH)';
  const steps = !installation.isFindable && choices.hooks.length > 0 ? [install] : [];
  if (names.length === 0) {
    const folder = join(templates.folder, 'sketches');
    const isCable = choices.hooks.includes('pio') && !choices.hooks.includes('upload');
    const again = `otarc init${isCable ? ' again, with a device: only that switches Upload' : ''}`;
    return [
      ...steps,
      `No device is known yet. The first upload goes by cable: a sketch that can be updated over the air from then on is in ${folder}. Then: ${again}`,
    ];
  }
  const open = choices.devices.filter((device) => passwordOf(device, choices.password).type === 'env');
  if (open.length > 0) {
    const lines = open.map(({ name }) => `${suggestedVariable(name)}=…`).join(', ');
    steps.push(`Put the password into .otarc.env (${lines}) or into the environment.`);
  }
  const isAnother = choices.devices.some((one) =>
    configured.devices.some((each) => !isSameDevice(each, one)),
  );
  const isSaid = /^device:/m.test(facts.files.get(join(facts.folder, '.otarc')) ?? '');
  if ((choices.devices.length > 1 || isAnother) && !isSaid) {
    steps.push('Say in .otarc which device is meant: device: NAME, or environment: … for each of them.');
  }
  const fqbn = choices.fqbn ?? configured.fqbn;
  if (choices.tool === 'arduino-cli' && (fqbn ?? facts.sketchBoard) === undefined) {
    steps.push(
      'arduino-cli board attach -b BOARD   (such as esp8266:esp8266:d1_mini: nothing says which one it is)',
    );
  }
  steps.push(commandFor(facts, choices, plan));
  if (choices.hooks.includes('github')) {
    steps.push(`On GitHub: add the secrets ${[...new Set(names.map(passwordVariable))].join(', ')}.`);
  }
  return steps;
}

function commandFor(facts: ProjectSituation, choices: Choices, plan: InitPlan): string {
  const { hooks, devices, tool } = choices;
  const [device] = [...devices, ...facts.configured.devices];
  if (hooks.includes('upload')) {
    const environments = uploadEnvironments(facts, plan);
    const chosen = environments.own.length === environments.all ? undefined : environments.own[0];
    if (environments.own.length > 0) return `pio run${chosen === undefined ? '' : ` -e ${chosen}`} -t upload`;
  }
  if (hooks.includes('pio')) return 'pio run -t ota';
  const core = facts.arduino?.core;
  if (hooks.includes('arduino') && core !== undefined && isUploadHooked(core)) {
    const fqbn = choices.fqbn ?? facts.configured.fqbn;
    // arduino-cli reads sketch.yaml, and nothing of otarc.
    const board = fqbn === undefined || fqbn === facts.sketchBoard ? '' : ` --fqbn ${fqbn}`;
    const upload = `arduino-cli upload${board} -p ${device?.host ?? 'ADDRESS'}`;
    return `arduino-cli compile${board}, then ${upload}   (in the IDE: choose the network port, and Upload)`;
  }
  if (tool === undefined) return `otarc push ${device?.name ?? 'NAME'} --file firmware.bin`;
  return devices.length > 1 ? 'otarc deploy NAME   (or --all)' : 'otarc deploy';
}

/** Those whose Upload goes through otarc. */
function uploadEnvironments(
  { folder, files }: ProjectSituation,
  { edits }: InitPlan,
): { own: string[]; all: number } {
  const path = join(folder, iniName);
  const text = edits.find((edit) => edit.path === path)?.after ?? files.get(path) ?? '';
  const sections = sectionsOf(text);
  const all = environmentsOf(sections);
  const own = all.filter((name) =>
    /\botarc\b/.test(valueOf(sections, `env:${name}`, ['upload_command']) ?? ''),
  );
  return { own: own.map(toReadableText), all: all.length };
}
