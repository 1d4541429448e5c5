import assert from 'node:assert/strict';
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { idShift, PolydevError, type SandboxId } from '@polydev/protocol';
import type { StepListener } from '../../resources.ts';
import type { Subject } from '../../testing/contract.ts';
import { whyNoRealSandbox } from '../../testing/scratch.ts';
import { lineSeen } from '../console.ts';
import { placesOf } from '../places.ts';
import { makePlace, removePlace } from '../testing/place.ts';
import { type OciPlace, openSubject } from '../testing/subject.ts';

const timeout = 120_000;

async function opened(t: TestContext, change: (place: OciPlace) => Promise<Partial<OciPlace>>, onStep?: StepListener) {
  const made = await makePlace();
  const place = { ...made, ...(await change(made)) };
  const subject = await openSubject(place, onStep);
  t.after(async () => {
    await subject.driver.close({ keep: false });
    await removePlace(place);
  });
  await subject.driver.recover();
  return { ...subject, place };
}

async function reasonOf(subject: Subject): Promise<PolydevError> {
  const wanted = subject.spec();
  const error: unknown = await subject.driver.create(wanted).then(
    () => assert.fail('it started'),
    (reason) => reason,
  );
  assert.ok(error instanceof PolydevError, String(error));
  assert.deepEqual(await subject.leftovers(), []);
  return error;
}

describe('a sandbox that cannot start', { skip: (await whyNoRealSandbox()) ?? false }, () => {
  test('for want of its image says so', { timeout }, async (t) => {
    const subject = await opened(t, async () => ({ image: 'f'.repeat(64) }));
    assert.equal((await reasonOf(subject)).code, 'image_missing');
  });

  test('because its image holds nothing to run says what runc says', { timeout }, async (t) => {
    const subject = await opened(t, async ({ folder }) => {
      const image = 'e'.repeat(16);
      const rootfs = join(folder, 'images', image, 'rootfs');
      await mkdir(rootfs, { recursive: true });
      await chown(rootfs, idShift, idShift);
      return { images: join(folder, 'images'), image };
    });
    const error = await reasonOf(subject);
    assert.equal(error.code, 'sandbox_failed');
    assert.match(String(error.cause), /\/sbin\/init/);
  });

  test('because it dies on the way shows the end of its console', { timeout }, async (t) => {
    let id: SandboxId | undefined;
    const subject = await opened(
      t,
      async () => ({}),
      async (step) => {
        if (!id) return;
        const { rootfs, consoleLog } = placesOf(subject.place, id);
        // Its agent must not be quicker than the kill.
        if (step === `overlay ${rootfs}`)
          await writeFile(join(rootfs, 'usr/lib/polydev/agent.mjs'), 'await 0; process.exit(1);\n');
        if (step !== 'start') return;
        await lineSeen(consoleLog, (line) => line.includes('systemd'), new AbortController().signal);
        await subject.kill(id);
      },
    );
    const wanted = subject.spec();
    id = wanted.id;
    const error = await reasonOf({ ...subject, spec: () => wanted });
    assert.equal(error.code, 'sandbox_failed');
    assert.match(String(error.cause), /ended before its agent listened.*The end of its console:.*systemd/s);
  });
});
