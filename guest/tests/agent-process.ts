/** The agent as a process of its own, on the scratch folder named in argv; says its port. */

import { providers } from '@polydev/providers';
import { startAgent } from '../agent.ts';
import { createLog } from '../log.ts';
import { scratchConfig } from './scratch-agent.ts';

const config = scratchConfig(process.argv[2] ?? '', { profile: 'headless' });
const agent = await startAgent(config, { providers, log: createLog(process.stderr) });
process.stdout.write(`${agent.port}\n`);
