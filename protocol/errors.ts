/** Every error a person or a program can meet: one stable code, its HTTP status, and what to do about it. */

interface ErrorEntry {
  /** HTTP status the API answers with. */
  status: number;
  /** What the reader can do. One sentence. */
  hint: string;
}

export const errorCatalogue = {
  // Asking
  invalid_request: { status: 400, hint: 'Compare the request with the schema at /api/docs.' },
  not_found: { status: 404, hint: 'Check the id; it may have been deleted.' },
  payload_too_large: { status: 413, hint: 'Send less in one request.' },
  rate_limited: { status: 429, hint: 'Wait a minute, or as long as Retry-After says, then try again.' },
  internal: { status: 500, hint: 'Look for the request id in the controller log.' },
  unavailable: { status: 503, hint: 'Try again in a moment; `./polydev doctor` says what is missing.' },

  // Who you are
  not_signed_in: { status: 401, hint: 'Sign in, or send an API token as a bearer token.' },
  wrong_login: { status: 401, hint: 'Check the name and the password.' },
  wrong_setup_link: { status: 403, hint: 'Use the link that the last start printed; it works once.' },
  already_set_up: { status: 409, hint: 'Sign in with the account that was made at set-up.' },
  forbidden: { status: 403, hint: 'Ask the owner of this Polydev.' },
  scope_missing: { status: 403, hint: 'Create an API token with the scope that is missing, under Settings.' },
  wrong_password: { status: 403, hint: 'Enter the password that you sign in with now.' },
  name_taken: { status: 409, hint: 'Choose another name.' },
  wrong_origin: { status: 403, hint: 'Open the dashboard at its own address.' },
  ticket_refused: { status: 403, hint: 'Ask for a new ticket; each works once, for 30 seconds.' },

  // Host and image
  not_root: { status: 500, hint: 'Run the command as root, for example with sudo.' },
  host_lacks: { status: 500, hint: 'Run `./polydev doctor` and follow what it says.' },
  port_taken: { status: 500, hint: 'Stop the other program or choose another port with --port.' },
  wrong_data_folder: {
    status: 500,
    hint: 'Choose another folder with --data: of its own for a demo, and where not only root may enter.',
  },
  disk_full: { status: 507, hint: 'Free some disk space, then try again.' },
  no_network: { status: 500, hint: 'Check the connection to the package mirrors, then try again.' },
  image_missing: { status: 503, hint: 'Run `./polydev image build`.' },
  image_broken: { status: 500, hint: 'Run `./polydev image verify`; the last good image stays in use.' },
  master_key_missing: { status: 500, hint: 'Restore the master key from your backup; a new one cannot open old data.' },
  master_key_wrong: { status: 500, hint: 'Restore the right master key; this one does not open the vault.' },
  schema_newer: { status: 500, hint: 'Start the version of Polydev that wrote this database, or a newer one.' },

  // Sandboxes
  unsupported: { status: 501, hint: 'This driver cannot do that; see its features.' },
  sandbox_failed: {
    status: 502,
    hint: 'Try again; if it fails each time, run `./polydev image verify`, and read what `polydev sandbox logs ID` has kept.',
  },
  sandbox_gone: { status: 410, hint: 'Start again; the sandbox has been destroyed.' },
  already_done: { status: 409, hint: 'Go on: what was asked for happened before.' },
  agent_unreachable: { status: 502, hint: 'Try again; the sandbox will be replaced.' },
  agent_talks_nonsense: { status: 502, hint: 'Try again; the sandbox was destroyed because it broke the protocol.' },
  other_host: { status: 421, hint: 'Open it at the Polydev of that host.' },
  capacity: {
    status: 503,
    hint: 'Try again in a moment; if it stays so, the host needs more memory or higher limits.',
  },

  // Sign-in
  session_over: { status: 409, hint: 'Start a new sign-in.' },
  sign_in_timeout: { status: 408, hint: 'Start again; more time can be added while signing in.' },
  sign_in_cancelled: { status: 409, hint: 'Start again when you are ready.' },
  controller_restarted: { status: 409, hint: 'Start again; Polydev was restarted in between.' },
  proof_failed: {
    status: 422,
    hint: 'Check that the account may use this tool and that its provider has no trouble, then sign in again.',
  },

  // Credentials and runs
  no_credential: { status: 409, hint: 'Connect the tool first.' },
  credential_exists: { status: 409, hint: 'Choose another label or disconnect the present account.' },
  credential_busy: { status: 409, hint: 'Wait for the run that uses this credential to end.' },
  credential_expired: { status: 409, hint: 'Sign in again: the provider no longer accepts this credential.' },
  credential_moved: { status: 500, hint: 'The stored record does not belong where it stands; restore the database.' },
  stale_version: { status: 409, hint: 'A newer version of this credential was stored meanwhile.' },
  api_key_refused: { status: 422, hint: 'Check the key at the provider, then enter it again.' },
  run_timeout: { status: 504, hint: 'Ask for less, or allow the run more time.' },
  run_cancelled: { status: 409, hint: 'Start the run again.' },
  provider_auth: { status: 502, hint: 'Sign in again: the provider refused the credential.' },
  provider_limit: { status: 502, hint: "Wait until the provider's limit resets." },
  provider_failed: {
    status: 502,
    hint: "Change the prompt or the model if it speaks of these; else try again later, and see the provider's status page.",
  },
  provider_unreachable: {
    status: 502,
    hint: "Check this host's network, its clock and the egress settings, then try again.",
  },
  egress_refused: {
    status: 403,
    hint: 'From a sandbox only public internet addresses can be reached, at the ports in egress.allowedPorts.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** The one error class. `message` is safe to show to anyone; the cause goes to the log only. */
export class PolydevError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; details?: Record<string, string | number | boolean> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PolydevError';
    this.code = code;
    this.details = options.details ?? {};
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  get hint(): string {
    return errorCatalogue[this.code].hint;
  }
}

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(errorCatalogue, value);
}

/** Any thrown thing as a PolydevError; what is not one becomes `internal` and keeps its cause. */
export function toPolydevError(error: unknown): PolydevError {
  if (error instanceof PolydevError) return error;
  return new PolydevError('internal', 'Something inside Polydev failed.', { cause: error });
}
