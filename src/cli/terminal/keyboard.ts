/** What each key does. Pure but for the controls: the terminal is whoever calls. */

import { printable } from '../../model/printable.ts';
import type { Controls } from '../../watch/options.ts';

export interface KeyboardOptions {
  readonly controls: Controls;
  readonly isPaused: () => boolean;
  /** False: somebody else builds. */
  readonly builds: () => boolean;
  /** Prints lines for a person. */
  readonly print: (text: string) => void;
}

export interface Keyboard {
  press(key: string): void;
}

const keys: readonly { readonly line: string; readonly needsBuild?: true }[] = [
  { line: 'r  deploy again, also what the device has already' },
  { line: 'b  build only', needsBuild: true },
  { line: 'd  choose devices' },
  { line: 'p  pause, and go on' },
  { line: 'l  what the last build printed', needsBuild: true },
  { line: 'q  quit' },
];

/** `builds`: false where somebody else does. */
export function helpText(builds: boolean): string {
  return keys
    .filter(({ needsBuild }) => builds || needsBuild !== true)
    .map(({ line }) => line)
    .join('\n');
}

const ctrlC = '\u0003';
const ctrlD = '\u0004';
const escape = '\u001B';
/** One key for each of so many devices. */
const marks = '123456789abcdefghijklmnopqrstuvwxyz';

export function createKeyboard({ controls, isPaused, builds, print }: KeyboardOptions): Keyboard {
  /** While devices are chosen: those that are meant so far. */
  let choice: Set<string> | undefined;

  const showChoice = (chosen: ReadonlySet<string>): void => {
    const { all } = controls.devices();
    const rows = all.map(
      (name, index) => `${marks[index] ?? ' '} ${chosen.has(name) ? '[x]' : '[ ]'} ${printable(name)}`,
    );
    print(
      ['Which devices? A key switches one, Enter takes them, Esc leaves all as it was.', ...rows].join('\n'),
    );
  };
  const choose = (chosen: Set<string>, key: string): void => {
    if (key === escape || key === 'q') {
      choice = undefined;
      print('The devices stay as they were.');
    } else if (key === '\r' || key === '\n') {
      if (chosen.size === 0) return print('At least one device has to be chosen.');
      choice = undefined;
      print(`From now on: ${printable([...chosen].join(', '))}.`);
      controls.choose([...chosen]);
    } else {
      const at = marks.indexOf(key.toLowerCase());
      const name = at === -1 ? undefined : controls.devices().all[at];
      if (name === undefined) return;
      if (!chosen.delete(name)) chosen.add(name);
      showChoice(chosen);
    }
  };
  const pause = (wanted: boolean): void => {
    print(wanted ? 'Paused: what is saved waits until `p` is pressed again.' : 'Going on.');
    controls.setPaused(wanted);
  };
  const startChoice = (): void => {
    const { all, chosen } = controls.devices();
    if (all.length < 2)
      return print('There is no other device to choose: .otarc lists them under `devices:`.');
    choice = new Set(chosen);
    showChoice(choice);
  };

  return {
    press(key) {
      if (key === ctrlC) return controls.interrupt();
      if (key === ctrlD) return controls.quit();
      if (choice !== undefined) return choose(choice, key);
      switch (key.toLowerCase()) {
        case 'r':
          return controls.redeploy();
        case 'b':
          return controls.buildOnly();
        case 'd':
          return startChoice();
        case 'p':
          return pause(!isPaused());
        case 'l':
          return print(controls.lastOutput() || 'No build has printed anything yet.');
        case 'q':
          return controls.quit();
        case 'h':
        case '?':
          return print(helpText(builds()));
        default:
          return;
      }
    },
  };
}
