/** `deploy`, `push` and `watch`, as the command line knows them. */

import type { Command } from 'commander';
import { OtaError } from '../../model/errors.ts';
import { deployCommand } from './deploy.ts';
import { toCommandOptions, valuesFor, withFlags } from './flags.ts';
import type { Io } from './io.ts';

export interface Parts {
  readonly io: Io;
  readonly done: (code: number) => void;
  /** What stood behind `--`. */
  readonly after: readonly string[] | undefined;
}

/** @param asked the one of them that will run, where that is known: the others need no flags then */
export function addPushCommands(
  program: Command,
  parts: Parts & { readonly asked: string | undefined },
): void {
  const { io, done, after, asked } = parts;
  const add = (name: 'deploy' | 'push' | 'watch'): Command => {
    const command = program.command(name);
    return asked === undefined || asked === name ? withFlags(command, name) : command;
  };
  add('deploy')
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options] [-- command...]')
    .description('build, then push the image to the device; after --, the command to build with')
    .action(async (targets: string[], _options: unknown, command: Command) => {
      if (after?.length === 0) throw new OtaError('USAGE', 'No build command stands behind `--`.');
      const values = valuesFor('deploy', command, io.env);
      const options = { ...toCommandOptions(values, io), logs: values.logs === true };
      done(await deployCommand({ ...options, targets, source: 'build', command: after }, io));
    });
  add('push')
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options]')
    .description('push an image that exists: the one the last build left, or --file')
    .action(async (targets: string[], _options: unknown, command: Command) => {
      if (after !== undefined)
        throw new OtaError('USAGE', '`push` runs no command: nothing may stand behind `--`.');
      const values = valuesFor('push', command, io.env);
      if (values.hook === true && values.json !== true) {
        const { uploadFollows } = await import('./parent.ts');
        if (await uploadFollows(process.ppid)) return done(0);
      }
      const source = values.file === undefined ? 'last-build' : 'file';
      done(await deployCommand({ ...toCommandOptions(values, io), targets, source }, io));
    });
  add('watch')
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options] [-- command...]')
    .description('deploy, and again each time a source is saved; after --, the command to build with')
    .action(async (targets: string[], _options: unknown, command: Command) => {
      if (after?.length === 0) throw new OtaError('USAGE', 'No build command stands behind `--`.');
      const values = valuesFor('watch', command, io.env);
      const { build, once, poll, notify, exec, logs } = values;
      if (after !== undefined && build === false)
        throw new OtaError('USAGE', '`--no-build` builds nothing: no command may stand behind `--`.', {
          hint: 'Leave out one of the two.',
        });
      const { watchCommand } = await import('./watch.ts');
      done(
        await watchCommand(
          {
            ...toCommandOptions(values, io),
            targets,
            command: after,
            build: build !== false,
            once: once === true,
            poll: poll === true,
            notify: notify === true,
            logs: logs === true,
            exec,
          },
          io,
        ),
      );
    });
}
