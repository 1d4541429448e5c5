/** What both `up` and `test` need before they begin: packages, user, image, dashboard. */

import { buildImage } from '@polydev/image/build';
import type { BuildProgress } from '@polydev/image/progress';
import { type Image, lastGoodImage } from '@polydev/image/store';
import { PolydevError } from '@polydev/protocol';
import { ensureDashboard } from './dashboard.ts';
import { requireRoot } from './host-checks.ts';
import { defaultHome, hostPaths } from './paths.ts';
import type { Progress, Step } from './progress.ts';
import { ensureServiceUser, type ServiceUser } from './service-user.ts';
import { installPackages, mayInstall, missingPackages } from './system-packages.ts';

export interface PreparedHost {
  user: ServiceUser;
  imageHash: string;
}

export interface PrepareOptions {
  packages: Readonly<Record<string, string>>;
  progress: Progress;
  assumeYes: boolean;
  /** Address of a Debian archive; the host's own apt sources when undefined. */
  mirror?: string | undefined;
}

export async function prepareHost({ packages, progress, assumeYes, mirror }: PrepareOptions): Promise<PreparedHost> {
  requireRoot();
  const { images } = hostPaths(defaultHome);

  const missing = await missingPackages(packages);
  if (missing.length > 0) {
    if (!assumeYes && !(await mayInstall(missing, packages))) {
      throw new PolydevError('host_lacks', `Polydev cannot run without ${missing.join(', ')}.`);
    }
    await progress.step('System packages', (step) => installPackages(missing, step));
  }
  const user = await ensureServiceUser();

  const image = await progress.step('Golden image', (step) => usableImage(images, step, mirror));

  await progress.step('Dashboard', async (step) => {
    if (!(await ensureDashboard())) step.result('unchanged');
  });
  return { user, imageHash: image.hash };
}

/** The image of this checkout, built if need be; the last good one if the new one does not stand up to its checks. */
async function usableImage(images: string, step: Step, mirror: string | undefined): Promise<Image> {
  try {
    return await buildGoldenImage(images, step, mirror);
  } catch (error) {
    const lastGood = lastGoodImage(images);
    if (!(error instanceof PolydevError) || error.code !== 'image_broken' || !lastGood) throw error;
    step.result(`the new one is broken, the last good one stays in use: ${error.message}`);
    return lastGood;
  }
}

export async function buildGoldenImage(images: string, step: Step, mirror: string | undefined): Promise<Image> {
  const image = await buildImage({
    cacheDir: images,
    ...(mirror !== undefined && { mirror }),
    onProgress: (progress) => step.detail(describe(progress)),
  });
  step.result(`${(image.bytes / 1e9).toFixed(1)} GB`);
  return image;
}

const stepNames: Readonly<Record<BuildProgress['step'], string>> = {
  waiting: 'waiting for another build',
  packages: 'Debian packages',
  tools: 'Claude Code, Codex, Gemini CLI',
  files: 'settings',
  verify: 'checking',
};

function describe({ step, done, total }: BuildProgress): string {
  return `${stepNames[step]}${done === undefined ? '' : ` ${done}${total === undefined ? '' : `/${total}`}`}`;
}
