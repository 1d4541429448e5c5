/** What a build says while it works. */

export interface BuildProgress {
  step: 'waiting' | 'packages' | 'tools' | 'files' | 'verify';
  /** Counts inside a long step. */
  done?: number;
  total?: number;
}

export type OnProgress = (progress: BuildProgress) => void;
