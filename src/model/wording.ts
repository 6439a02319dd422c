/** How what can be set is called where it is set: in `.otarc`, or by the flags of the espota command, which reads none. */

export type Wording = 'config' | 'espota';

export interface Words {
  /** The address of the device, as a person is to give it. */
  readonly address: (address: string) => string;
  readonly host: string;
  /** Where it has moved, a whole cure. */
  readonly otherHost: string;
  readonly port: string;
  readonly hostPort: (port: number) => string;
  readonly hostAddress: (address: string) => string;
  readonly acceptFromAny: string;
  /** For a port that a container publishes. */
  readonly published: (port: number) => string;
  readonly password: (variable: string) => string;
  /** Where a hash is given in place of the password. */
  readonly hash: string;
}

const words: Readonly<Record<Wording, Words>> = {
  config: {
    address: (address) => `\`host: ${address}\` under its name in .otarc`,
    host: '`host:` in .otarc',
    otherHost: 'correct `host:` in .otarc, or leave it out so that the device is looked for by its name.',
    port: '`port:` in .otarc or --port',
    hostPort: (port) => `\`hostPort: ${port}\` in .otarc`,
    hostAddress: (address) => `--host-address ${address}, or \`hostAddress:\` of the device in .otarc`,
    acceptFromAny: 'set `acceptFrom: any` for this device in .otarc',
    published: (port) => `set \`hostPort: ${port}\` and \`acceptFrom: any\` for this device in .otarc`,
    password: (variable) =>
      `Set ${variable}, or \`password:\` of this device in .otarc, or use --password-file.`,
    hash: 'if it is a hash, write `passwordHash:` in place of `password:` for this device in .otarc.',
  },
  espota: {
    address: (address) => `-i ${address}`,
    host: '-i',
    otherHost: 'correct -i, or give the name of the device there.',
    port: '-p',
    hostPort: (port) => `-P ${port}`,
    hostAddress: (address) => `-I ${address}`,
    acceptFromAny: 'use `otarc push`, with `acceptFrom: any` for this device in .otarc',
    published: (port) =>
      `use \`otarc push\`, with \`hostPort: ${port}\` and \`acceptFrom: any\` for this device in .otarc`,
    password: () => 'Hand it over with -a (arduino-cli: -F password=…), or set OTARC_PASSWORD.',
    hash: 'give the password itself with -a; if only its hash is known, use `otarc push` with `passwordHash:` in .otarc.',
  },
};

export const wordsOf = (wording: Wording = 'config'): Words => words[wording];
