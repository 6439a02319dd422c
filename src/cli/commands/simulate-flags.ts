/** `otarc simulate`, as the command line knows it. */

import { Option, type Command } from 'commander';
import { kinds, list, whole } from '../../config/kinds.ts';
import { withKind } from './flags.ts';
import type { Parts } from './push-commands.ts';

const natural = whole(0);

export function addSimulateCommand(program: Command, { io, done }: Pick<Parts, 'io' | 'done'>): void {
  // What a device is like: no settings of the pushing side, and no variable stands for them.
  program
    .command('simulate')
    .description('a virtual device that speaks the protocol as real ones do')
    .option('--model <model>', 'esp8266, esp32, esp32-3.3.1, esp32-3.3.1-md5 or rp2040')
    .option('--name <name>', 'the name it announces')
    .option('--host <address>', 'address to listen at (default 127.0.0.1)')
    .addOption(
      withKind(new Option('--port <number>', "UDP port (default: the model's usual one; 0: any)"), natural),
    )
    .option('--password-file <file>', 'it asks for the password in this file (-: stdin)')
    .addOption(withKind(new Option('--round-trip-ms <ms>', 'round-trip time of the link'), kinds.amount))
    .addOption(
      withKind(new Option('--ms-per-sector <ms>', 'flash time for 4 KiB (default 55)'), kinds.amount),
    )
    .addOption(withKind(new Option('--window-bytes <bytes>', 'TCP receive window'), natural))
    .addOption(withKind(new Option('--slot-bytes <bytes>', 'room for a sketch'), natural))
    .addOption(
      withKind(new Option('--datagram-loss <share>', 'share of datagrams lost, 0 to 1'), kinds.amount),
    )
    .addOption(
      withKind(
        new Option('--loop-ms <ms>', "how long a round of the sketch's loop() takes (default 0)"),
        kinds.amount,
      ),
    )
    .addOption(withKind(new Option('--reboot-ms <ms>', 'how long a restart takes'), kinds.amount))
    .addOption(
      withKind(
        new Option('--fault <name[=value]>', 'fault to inject (repeatable; `list` shows all)'),
        list(kinds.text),
      ),
    )
    .option('--proof', 'it says what it runs: md5, run, boot and version in what it announces')
    .option('--runs <file>', 'image that it runs before the first update')
    .option('--sketch-version <text>', 'version that it announces')
    .option('--flash-mode <mode>', 'qio, qout, dio or dout: an ESP8266 writes it into raw images')
    .addOption(
      withKind(
        new Option('--http-port <number>', 'its web pages: /version, and /events with its log (0: any port)'),
        natural,
      ),
    )
    .option('--sysinfo <date>', "HomeDing's /api/sysinfo among them, with this compile date")
    .addOption(
      withKind(
        new Option('--log-port <number>', 'TCP port that prints its log (telnet: 23; 0: any)'),
        natural,
      ),
    )
    .option('--syslog <host:port>', 'send its log there over UDP')
    .addOption(
      withKind(new Option('--log-every-ms <ms>', 'time between two lines (default 1000)'), kinds.amount),
    )
    .option('--no-announce', 'do not announce it over mDNS')
    .addOption(withKind(new Option('--count <number>', 'so many devices, ports ascending'), natural))
    .option('--homeding <file>', "name, port and password from HomeDing's env.json")
    .option('--out <file>', 'write each received image here')
    .option('--once', 'end after the first completed update')
    .option('--json', 'one event a line')
    .action(async ({ fault, ...options }: { fault?: string[]; [other: string]: unknown }) => {
      const { simulate } = await import('./simulate.ts');
      done(await simulate({ ...options, ...(fault === undefined ? {} : { faults: fault }) }, io));
    });
}
