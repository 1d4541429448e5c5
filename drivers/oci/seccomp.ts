/** The system calls of seccomp.json, in the form that runc reads. */

import profile from './seccomp.json' with { type: 'json' };

export interface SeccompRule {
  names: string[];
  action: 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO';
  errnoRet?: number;
  args?: { index: number; value: number; valueTwo?: number; op: string }[];
}

export interface Seccomp {
  defaultAction: 'SCMP_ACT_ERRNO';
  defaultErrnoRet: number;
  architectures: string[];
  syscalls: SeccompRule[];
}

const EPERM = 1;
const ENOSYS = 38;

/** Only the machine's own 64-bit calls: a program for another architecture is killed. */
const architectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'SCMP_ARCH_X86_64',
  arm64: 'SCMP_ARCH_AARCH64',
};

export function seccompFor(arch: NodeJS.Architecture): Seccomp {
  const architecture = architectures[arch];
  if (!architecture) throw new Error(`no seccomp profile for ${arch}`);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    architectures: [architecture],
    syscalls: [
      { names: Object.values(profile.allow).flat(), action: 'SCMP_ACT_ALLOW' },
      ...profile.allowWhen.map(({ names, args }) => ({ names, action: 'SCMP_ACT_ALLOW' as const, args })),
      { names: profile.absent, action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    ],
  };
}
