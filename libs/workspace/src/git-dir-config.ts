export type ObjectFormat = 'sha1' | 'sha256';

/** The text of `info/attributes`, which outranks every .gitattributes: no conversion of any kind, and every text is shown in a diff. */
export const exactBytesAttributes = '* -text !eol -ident -filter !working-tree-encoding !diff\n';

/** The whole configuration of a slot's git dir: what is not said here, and not in the environment, is git's own default. */
export function gitConfig(format: ObjectFormat): string {
  const sha256 = format === 'sha256';
  return [
    '[core]',
    // A slot is thrown away after its task; what must last is in the artifact store and at the remote.
    '\tfsync = none',
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    '\tbare = false',
    // Bytes, names and modes as they were committed, whatever the machine prefers.
    '\tfileMode = true',
    '\tsymlinks = true',
    '\tignoreCase = false',
    '\tprecomposeUnicode = false',
    '\tautocrlf = false',
    '\tsafecrlf = false',
    // Names such as `a\b` and `git~1` are files like others here; `.git` itself git always refuses.
    '\tprotectNTFS = false',
    '\tprotectHFS = false',
    '\tquotePath = false',
    // Nothing outside this git dir takes part, and nothing is started.
    '\tattributesFile = /dev/null',
    '\texcludesFile = /dev/null',
    '\thooksPath = /dev/null',
    '\tfsmonitor = false',
    '\tuntrackedCache = false',
    '\tlogAllRefUpdates = false',
    ...(sha256 ? ['[extensions]', '\tobjectFormat = sha256'] : []),
    // The git dir lives for one task, and borrowed objects are not ours to tidy.
    '[gc]',
    '\tauto = 0',
    '[maintenance]',
    '\tauto = false',
    '[fetch]',
    '\trecurseSubmodules = false',
    '\twriteCommitGraph = false',
    '[submodule]',
    '\trecurse = false',
    '[push]',
    '\tfollowTags = false',
    '\trecurseSubmodules = no',
    // Outranked by GIT_ALLOW_PROTOCOL, which every call through `Git` sets; without it nothing is spoken.
    '[protocol]',
    '\tallow = never',
    '',
  ].join('\n');
}
