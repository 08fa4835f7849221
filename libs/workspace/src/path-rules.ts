const longestSegment = 255;
const longestPath = 4_096;

/**
 * What is wrong with a path that a change names; undefined when nothing is. Judged on the string
 * alone, before anything is looked up: a path that passes has only plain segments below the root.
 */
export function problemWithPath(path: string): string | undefined {
  if (path === '') return 'the path is empty';
  if (!path.isWellFormed()) return 'the path is not valid Unicode';
  if (/[\u0000-\u001f\u007f-\u009f]/.test(path)) return 'the path contains a control character';
  if (path.includes('\\')) return 'the path contains a backslash; segments are separated by "/"';
  if (path.startsWith('/')) return 'the path is absolute; paths are relative to the root of the repository';
  if (/^[A-Za-z]:(\/|$)/.test(path))
    return 'the path starts with a drive letter; paths are relative to the root';
  // A file such as `~$report.docx` is a name like others; `~` and `~user` as a folder mean a home.
  if (/^~([^/]*\/|$)/.test(path))
    return 'the path starts in a home folder ("~"); paths are relative to the root of the repository';
  if (Buffer.byteLength(path) > longestPath) return `the path is longer than ${longestPath} bytes`;
  for (const segment of path.split('/')) {
    const problem = problemWithSegment(segment);
    if (problem) return problem;
  }
  return undefined;
}

function problemWithSegment(segment: string): string | undefined {
  if (segment === '') return 'the path has an empty segment ("//" or a "/" at the end)';
  if (segment === '.' || segment === '..') return `the path contains "${segment}"`;
  if (Buffer.byteLength(segment) > longestSegment) return `a segment is longer than ${longestSegment} bytes`;
  if (isGitDirectory(segment)) return 'the path leads into git\'s own directory (".git" in some spelling)';
  return undefined;
}

/**
 * Spellings of `.git` that some file system takes for it: case, the short name `git~1`, trailing
 * dots and spaces and streams (NTFS), characters that HFS+ ignores.
 */
function isGitDirectory(segment: string): boolean {
  const plain = segment
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Variation_Selector}]/gu, '')
    .replace(/:.*$/, '')
    .replace(/[. ]+$/, '')
    .toLowerCase();
  return plain === '.git' || /^git~\d+$/.test(plain);
}
