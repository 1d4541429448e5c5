/** Every setting of the controller, its default, and the environment variable and flag that can set it. */

import { limits, SandboxSpec } from '@polydev/protocol';
import { type Static, type TSchema, Type } from 'typebox';

const closed = { additionalProperties: false } as const;
const Port = Type.Integer({ minimum: 1, maximum: 65535 });
const orNull = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()], { default: null });
const SandboxLimits = SandboxSpec.properties.limits;
type SandboxLimits = Static<typeof SandboxLimits>;

const desktopLimits: SandboxLimits = { memoryMiB: 4096, cpus: 2, processes: 1024, diskMiB: 1024, homeMiB: 1024 };
const headlessLimits: SandboxLimits = { memoryMiB: 2048, cpus: 2, processes: 512, diskMiB: 512, homeMiB: 512 };

export const Config = Type.Object(
  {
    /** Loopback admits this machine only. `0.0.0.0` admits the network: put TLS in front and set publicUrl. */
    host: Type.String({ default: '127.0.0.1' }),
    /** 0 chooses a free one. */
    port: Type.Integer({ minimum: 0, maximum: 65535, default: 4000 }),
    /** The address people open, when it is another than host and port, for example `https://polydev.example.org`. */
    publicUrl: orNull(Type.String({ pattern: '^https?://[^/]+/?$' })),
    /** Addresses or networks of proxies whose X-Forwarded-* headers are believed. */
    trustedProxies: Type.Array(Type.String(), { default: [] }),
    /** Local stand-ins answer instead of the real providers, and the dashboard says so. */
    demo: Type.Boolean({ default: false }),
    /** From one address. */
    requestsPerMinute: Type.Integer({ minimum: 1, default: 1200 }),
    logLevel: Type.Union(
      [
        Type.Literal('debug'),
        Type.Literal('info'),
        Type.Literal('warn'),
        Type.Literal('error'),
        Type.Literal('silent'),
      ],
      { default: 'info' },
    ),

    /** Holds the embedded database and the master key. Nobody else may read it. */
    dataDir: Type.String({ default: '/var/lib/polydev/controller' }),
    /** The built dashboard. */
    webDir: orNull(Type.String()),
    hostdSocket: Type.String({ default: '/run/polydev/main/hostd.sock' }),
    /** The golden image that new sandboxes are made of. */
    imageHash: orNull(Type.String({ pattern: '^[a-f0-9]{16,64}$' })),

    /** `postgres://…`; the embedded database when null. */
    databaseUrl: orNull(Type.String()),
    /** `redis://…`; memory when null, which admits one controller. */
    redisUrl: orNull(Type.String()),

    /** 32 bytes, base64url. Takes precedence over the file. */
    masterKey: orNull(Type.String()),
    /** `master.key` in dataDir when null. */
    masterKeyFile: orNull(Type.String()),

    egress: Type.Object(
      {
        /** The gateway's address on this host; the host service gives it to the loopback device. */
        listenAddress: Type.String({ default: '100.127.255.1' }),
        port: Type.Integer({ minimum: 0, maximum: 65535, default: 3128 }),
        /** Host name → `address:port` that is reached instead, private or not. */
        routes: Type.Record(Type.String(), Type.String({ pattern: '^.+:[0-9]{1,5}$' }), { default: {} }),
        /** PEM file with certificate authorities that each sandbox trusts beside the system's. */
        extraCaFile: orNull(Type.String()),
        /** Your own proxy: `http://` or `socks5://`, with `user:password@` if it wants one. */
        upstream: orNull(Type.String({ pattern: '^(http|socks5)://' })),
        /** Ports that sandboxes may reach. */
        allowedPorts: Type.Array(Port, { default: [80, 443] }),
      },
      { ...closed, default: {} },
    ),

    signIn: Type.Object(
      {
        defaultMs: Type.Integer({ minimum: 1000, default: limits.signInDefaultMs }),
        extendMs: Type.Integer({ minimum: 1000, default: limits.signInExtendMs }),
        /** With no input, no event of the desktop, nothing printed and no traffic for so long it ends. */
        idleMs: Type.Integer({ minimum: 1000, maximum: limits.signInHardestMs, default: limits.signInIdleMs }),
        /** Extending never goes past this. */
        hardMs: Type.Integer({ minimum: 1000, maximum: limits.signInHardestMs, default: limits.signInHardMs }),
        /** `run`: a tiny real run proves the credential before it counts. */
        verify: Type.Union([Type.Literal('run'), Type.Literal('off')], { default: 'run' }),
        /** Of a sign-in that ended badly the last picture of its desktop is kept, for the person who signed in alone. */
        keepPictures: Type.Boolean({ default: true }),
      },
      { ...closed, default: {} },
    ),

    runs: Type.Object(
      { defaultMs: Type.Integer({ minimum: 1000, maximum: limits.runMaxMs, default: limits.runDefaultMs }) },
      { ...closed, default: {} },
    ),

    /** Sandboxes that wait to be used, so that nobody has to wait for one. How many follows demand, within these. */
    pool: Type.Object(
      {
        desktop: atLeastAtMost(1, 2),
        headless: atLeastAtMost(1, 4),
        /** So much of the host's memory stays free, in MiB. */
        reserveMiB: Type.Integer({ minimum: 0, default: 1024 }),
        /** All that wait take no more than this together, in MiB. */
        memoryMiB: Type.Integer({ minimum: 0, default: 4096 }),
        /** One that has waited for longer is replaced. */
        maxAgeMs: Type.Integer({ minimum: 10_000, default: limits.waitingMs }),
      },
      { ...closed, default: {} },
    ),

    sandbox: Type.Object(
      {
        /** Sandboxes that may be there at once, waiting ones included. Runs wait for a free one, sign-ins only a moment. */
        atMost: Type.Integer({ minimum: 1, default: 8 }),
        desktop: withDefaults(desktopLimits),
        headless: withDefaults(headlessLimits),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
);
export type Config = Static<typeof Config>;

function atLeastAtMost(min: number, max: number) {
  return Type.Object(
    { min: Type.Integer({ minimum: 0, default: min }), max: Type.Integer({ minimum: 0, default: max }) },
    { ...closed, default: {} },
  );
}

function withDefaults(defaults: SandboxLimits) {
  const { memoryMiB, cpus, processes, diskMiB, homeMiB } = SandboxLimits.properties;
  return Type.Object(
    {
      memoryMiB: Type.Integer({ ...memoryMiB, default: defaults.memoryMiB }),
      cpus: Type.Number({ ...cpus, default: defaults.cpus }),
      processes: Type.Integer({ ...processes, default: defaults.processes }),
      diskMiB: Type.Integer({ ...diskMiB, default: defaults.diskMiB }),
      homeMiB: Type.Integer({ ...homeMiB, default: defaults.homeMiB }),
    },
    { ...closed, default: {} },
  );
}

/** Other ways than the file to set a setting; flags win over the environment, which wins over the file. */
export interface Source {
  /** Dotted path in Config. */
  setting: string;
  env?: string;
  flag?: string;
}

export const sources: readonly Source[] = [
  { setting: 'host', env: 'POLYDEV_HOST', flag: 'host' },
  { setting: 'port', env: 'POLYDEV_PORT', flag: 'port' },
  { setting: 'publicUrl', env: 'POLYDEV_PUBLIC_URL', flag: 'public-url' },
  { setting: 'logLevel', env: 'POLYDEV_LOG_LEVEL', flag: 'log-level' },
  { setting: 'dataDir', flag: 'data' },
  { setting: 'webDir', flag: 'web' },
  { setting: 'hostdSocket', flag: 'hostd' },
  { setting: 'imageHash', flag: 'image' },
  { setting: 'databaseUrl', env: 'DATABASE_URL' },
  { setting: 'redisUrl', env: 'REDIS_URL' },
  { setting: 'masterKey', env: 'POLYDEV_MASTER_KEY' },
  { setting: 'masterKeyFile', env: 'POLYDEV_MASTER_KEY_FILE', flag: 'master-key-file' },
  { setting: 'egress.listenAddress', flag: 'egress-address' },
  { setting: 'egress.port', flag: 'egress-port' },
  { setting: 'egress.extraCaFile', env: 'POLYDEV_EXTRA_CA_FILE' },
  { setting: 'egress.upstream', env: 'POLYDEV_UPSTREAM_PROXY' },
  { setting: 'signIn.verify', env: 'POLYDEV_VERIFY' },
];

/** Settings that hold a secret: never printed as they are. */
export const secretSettings: readonly string[] = ['databaseUrl', 'redisUrl', 'masterKey', 'egress.upstream'];
