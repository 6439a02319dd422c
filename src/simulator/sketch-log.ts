/** What a sketch prints: a few lines at once as it boots, then a counter. */

import type { BootedSketch } from './running.ts';
import type { Timeline } from './timeline.ts';

export interface SketchLog {
  boot(sketch: BootedSketch, atMs: number): void;
  print(line: string): void;
  /** The last lines since the boot. */
  readonly recent: readonly string[];
  /** Nothing is printed until the next boot. */
  stop(): void;
}

export interface SketchLogOptions {
  readonly name: string;
  readonly timeline: Timeline;
  /** Between two counters. */
  readonly everyMs: number;
  readonly recentLines: number;
  readonly print: (line: string) => void;
}

export function createSketchLog(options: SketchLogOptions): SketchLog {
  const { name, timeline, everyMs, recentLines } = options;
  let recent: string[] = [];
  let stopCounting = (): void => {};

  const print = (line: string): void => {
    recent = recentLines === 0 ? [] : [...recent, line].slice(-recentLines);
    options.print(line);
  };
  const count = (counter: number, atMs: number): void => {
    stopCounting = timeline.at(atMs, () => {
      print(`counter ${counter}`);
      count(counter + 1, atMs + everyMs);
    });
  };

  return {
    get recent() {
      return recent;
    },
    print,
    boot: ({ boot, md5, run, version }, atMs) => {
      recent = [];
      print(`boot: ${boot}`);
      print(`sketch: ${version === undefined ? '' : `version ${version}, `}md5 ${md5}, run ${run}`);
      print(`wifi: connected as ${name}`);
      print('ready');
      count(0, atMs + everyMs);
    },
    stop: () => stopCounting(),
  };
}
