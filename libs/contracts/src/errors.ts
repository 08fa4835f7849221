/**
 * Every way in which a task or an attempt can go wrong. The list is closed: adapters translate what
 * they meet into one of these, and users may rely on the names.
 *
 * `retryable` says whether another attempt at the same task can help.
 */
export const errorCodes = {
  // the task itself
  invalid_task: { retryable: false },
  key_conflict: { retryable: false },
  branch_conflict: { retryable: false },
  dependency_failed: { retryable: false },
  dependency_cycle: { retryable: false },
  unknown_playbook: { retryable: false },
  // the repository
  repo_not_allowed: { retryable: false },
  branch_not_allowed: { retryable: false },
  repo_unreachable: { retryable: true },
  repo_auth_failed: { retryable: false },
  base_branch_missing: { retryable: false },
  push_rejected: { retryable: false },
  push_failed: { retryable: true },
  git_failed: { retryable: true },
  workspace_failed: { retryable: true },
  // the model
  llm_auth_failed: { retryable: false },
  llm_rate_limited: { retryable: true },
  llm_unavailable: { retryable: true },
  llm_timeout: { retryable: true },
  llm_refused: { retryable: false },
  llm_bad_response: { retryable: false },
  llm_bad_request: { retryable: false },
  change_unparsable: { retryable: false },
  change_refused: { retryable: false },
  secret_in_change: { retryable: false },
  sensitive_file: { retryable: false },
  change_without_effect: { retryable: false },
  budget_exceeded: { retryable: false },
  // commands
  setup_failed: { retryable: false },
  tests_failed: { retryable: false },
  no_tests_found: { retryable: false },
  sandbox_unavailable: { retryable: true },
  // time and the fleet
  timeout: { retryable: false },
  cancelled: { retryable: false },
  no_slot: { retryable: true },
  lease_lost: { retryable: true },
  shutting_down: { retryable: true },
  attempts_exhausted: { retryable: false },
  // the services around the runner
  registry_unavailable: { retryable: true },
  repo_pool_unavailable: { retryable: true },
  artifact_store_unavailable: { retryable: true },
  internal: { retryable: true },
} as const;

export type ErrorCode = keyof typeof errorCodes;
export const errorCodeList = Object.keys(errorCodes) as [ErrorCode, ...ErrorCode[]];

/** The one error class of the system: a code, a message that is safe to show, and the cause for the log. */
export class RunnerError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  /** Which case of the code it is, where callers act differently; a plain word. */
  readonly reason: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryable?: boolean; reason?: string | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'RunnerError';
    this.code = code;
    this.retryable = options.retryable ?? errorCodes[code].retryable;
    this.reason = options.reason;
  }

  /** What the edge calls with whatever was thrown. Foreign text stays in the cause. */
  static from(error: unknown, code: ErrorCode = 'internal'): RunnerError {
    if (error instanceof RunnerError) return error;
    return new RunnerError(code, 'unexpected error; the cause is in the log', { cause: error });
  }
}
