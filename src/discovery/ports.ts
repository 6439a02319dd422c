/** What arduino-cli calls a port: something that can be uploaded to. */
export interface Port {
  readonly address: string;
  readonly label: string;
  readonly protocol: 'network';
  readonly protocolLabel: string;
  readonly properties: Readonly<Record<string, string>>;
}
