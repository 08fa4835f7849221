/**
 * Where commands see their work tree and HOME: at the same place in every task, since what is installed
 * often holds its own path (the scripts of a virtual environment, for one). Level `full` only.
 */
export const seenAt = { workTree: '/task', home: '/home/sandbox' } as const;
