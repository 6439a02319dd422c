/** The commands that send an image, as the command line knows them; what they do is loaded when one is asked for. */

import type { Command } from 'commander';
import { OtaError } from '../../model/errors.ts';
import type { EspotaOptions } from './espota.ts';
import { toCommandOptions, toPort, toSeconds, withPushFlags, type PushOptions } from './flags.ts';
import type { Io } from './io.ts';

export interface Parts {
  readonly io: Io;
  readonly done: (code: number) => void;
  /** What stood behind `--`. */
  readonly after: readonly string[] | undefined;
}

export function addPushCommands(program: Command, { io, done, after }: Parts): void {
  const deploy = async (targets: string[], options: PushOptions, source: 'build' | 'last-build' | 'file') => {
    const { deployCommand } = await import('./deploy.ts');
    done(await deployCommand({ ...toCommandOptions(options, io), targets, source, command: after }, io));
  };
  withPushFlags(program.command('deploy'))
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options] [-- command...]')
    .description('build, then push the image to the device; after --, the command to build with')
    .action((targets: string[], options: PushOptions) => {
      if (after?.length === 0) throw new OtaError('USAGE', 'No build command stands behind `--`.');
      return deploy(targets, options, 'build');
    });
  withPushFlags(program.command('push'))
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options]')
    .description('push an image that exists: the one the last build left, or --file')
    .option('-f, --file <image>', 'the image')
    .option('--when-seen <seconds>', 'wait so long for a device that sleeps to announce itself', toSeconds)
    .option('--hook', 'called after each build: pushes only where .otarc of this folder has hook.pushOnBuild')
    .action(async (targets: string[], options: PushOptions) => {
      if (after !== undefined)
        throw new OtaError('USAGE', '`push` runs no command: nothing may stand behind `--`.');
      if (options.hook === true && options.json !== true) {
        const { uploadFollows } = await import('./parent.ts');
        if (await uploadFollows(process.ppid)) return done(0);
      }
      return deploy(targets, options, options.file === undefined ? 'last-build' : 'file');
    });
  withPushFlags(program.command('watch'))
    .argument('[targets...]', 'devices or groups of .otarc, NAME.local, or addresses')
    .usage('[target...] [options] [-- command...]')
    .description('deploy, and again each time a source is saved; after --, the command to build with')
    .option('--no-build', 'watch the image alone, whoever builds it')
    .option('--once', 'end after the first push, and with its status')
    .option('--poll', 'look at the files now and then, where the system tells of no change')
    .option('--notify', 'a notification of the terminal at the end of a run, in place of its bell')
    .option('--exec <command>', 'run this after each deploy, for each device; words, without a shell')
    .action(async (targets: string[], options: WatchFlags) => {
      if (after?.length === 0) throw new OtaError('USAGE', 'No build command stands behind `--`.');
      if (after !== undefined && options.build === false)
        throw new OtaError('USAGE', '`--no-build` builds nothing: no command may stand behind `--`.', {
          hint: 'Leave out one of the two.',
        });
      const { watchCommand } = await import('./watch.ts');
      const { build, once, poll, notify, exec } = options;
      done(
        await watchCommand(
          {
            ...toCommandOptions(options, io),
            targets,
            command: after,
            build: build !== false,
            once: once === true,
            poll: poll === true,
            notify: notify === true,
            exec,
          },
          io,
        ),
      );
    });
  program
    .command('espota')
    .description("push as the cores' espota.py does, with its flags and its exit status 0 or 1")
    .requiredOption('-i, --ip <address>', 'address of the device')
    .option('-I, --host_ip <address>', 'address of this computer')
    .option('-p, --port <number>', 'UDP port of the device', toPort)
    .option('-P, --host_port <number>', 'TCP port of this computer', toPort)
    .option('-a, --auth <password>', 'password; everybody on this computer can read it while it runs')
    .option('-m, --md5-target', 'accepted; otarc sees by itself which hash the device wants')
    .requiredOption('-f, --file <image>', 'the image')
    .option('-s, --spiffs', 'it is a file-system image')
    .option('-d, --debug', 'tell each step')
    .option('-r, --progress', 'show the progress')
    .option('-t, --timeout <seconds>', 'how long an invitation may stay unanswered', toSeconds)
    .action(async (options: EspotaOptions) => {
      const { espotaCommand } = await import('./espota.ts');
      done(await espotaCommand(options, io));
    });
}

interface WatchFlags extends PushOptions {
  build?: boolean;
  once?: boolean;
  poll?: boolean;
  notify?: boolean;
  exec?: string;
}
