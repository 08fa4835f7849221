/**
 * For specs: ways in which a command can have the next git in its workspace run a program. Shell, in which `$G` is
 * the git dir, `$EVIL` the program, `$HOME` a home that can be written, `$REMOTE` the address of the remote, and
 * `set_config NAME VALUE` writes the configuration of `$G`. It stands in the root of the work tree.
 */
export const poison: Readonly<Record<string, string>> = {
  'core.fsmonitor': 'set_config core.fsmonitor "$EVIL"',
  'core.hooksPath': 'mkdir -p h; cp "$EVIL" h/pre-commit; set_config core.hooksPath "$PWD/h"',
  ...Object.fromEntries(
    [
      'pre-commit',
      'prepare-commit-msg',
      'commit-msg',
      'post-commit',
      'post-checkout',
      'post-rewrite',
      'post-index-change',
      'reference-transaction',
      'pre-push',
    ].map((hook) => [`hooks/${hook}`, `mkdir -p "$G/hooks"; cp "$EVIL" "$G/hooks/${hook}"`]),
  ),
  'filter.clean, attributes in the tree':
    'echo "* filter=e" > .gitattributes; set_config filter.e.clean "$EVIL"',
  'filter.smudge, attributes in the tree':
    'echo "* filter=e" > .gitattributes; set_config filter.e.smudge "$EVIL"',
  'filter.process, info/attributes':
    'mkdir -p "$G/info"; echo "* filter=e" > "$G/info/attributes"; set_config filter.e.process "$EVIL"; set_config filter.e.required true',
  'filter.clean, core.attributesFile':
    'echo "* filter=e" > a; set_config core.attributesFile "$PWD/a"; set_config filter.e.clean "$EVIL"',
  'diff.external': 'set_config diff.external "$EVIL"',
  'diff.command': 'echo "* diff=e" > .gitattributes; set_config diff.e.command "$EVIL"',
  'diff.textconv': 'echo "* diff=e" > .gitattributes; set_config diff.e.textconv "$EVIL"',
  'gpg.program': 'set_config commit.gpgSign true; set_config gpg.program "$EVIL"',
  'gpg.ssh.program':
    'set_config commit.gpgSign true; set_config gpg.format ssh; set_config user.signingKey "key::ssh-ed25519 x"; set_config gpg.ssh.program "$EVIL"',
  'core.sshCommand': 'set_config url.ssh://h/.insteadOf "$REMOTE"; set_config core.sshCommand "$EVIL"',
  'core.gitProxy': 'set_config url.git://h/.insteadOf "$REMOTE"; set_config core.gitProxy "$EVIL"',
  'ext transport': 'set_config protocol.ext.allow always; set_config "url.ext::$EVIL .insteadOf" "$REMOTE"',
  'remote.uploadpack': 'set_config remote.origin.uploadpack "$EVIL"; set_config remote.origin.url "$REMOTE"',
  'remote.receivepack':
    'set_config remote.origin.receivepack "$EVIL"; set_config remote.origin.url "$REMOTE"',
  'include.path': 'git config -f inc core.fsmonitor "$EVIL"; set_config include.path "$PWD/inc"',
  includeIf: 'git config -f inc core.fsmonitor "$EVIL"; set_config "includeIf.gitdir:/**.path" "$PWD/inc"',
  'config.worktree':
    'set_config core.repositoryFormatVersion 1; set_config extensions.worktreeConfig true; git config -f "$G/config.worktree" core.fsmonitor "$EVIL"',
  commondir:
    'git init -q --bare other; cp -r "$G/objects" "$G/refs" other/; git config -f other/config core.fsmonitor "$EVIL"; echo "$PWD/other" > "$G/commondir"',
  'gitdir file':
    'cp -r "$G" moved; git config -f moved/config core.fsmonitor "$EVIL"; rm -rf .git; echo "gitdir: $PWD/moved" > .git',
  'nested repository':
    'git init -q nested; git -C nested -c user.name=n -c user.email=n commit -q --allow-empty -m n; git -C nested config core.fsmonitor "$EVIL"',
  '~/.gitconfig': 'git config -f "$HOME/.gitconfig" core.fsmonitor "$EVIL"',
  '~/.config/git/config':
    'mkdir -p "$HOME/.config/git"; git config -f "$HOME/.config/git/config" core.fsmonitor "$EVIL"',
  '~/.config/git/attributes':
    'mkdir -p "$HOME/.config/git"; echo "* filter=e" > "$HOME/.config/git/attributes"; set_config filter.e.clean "$EVIL"',
};

/** What stands in front of each of them. */
export const poisonPrelude = 'set -eu; set_config() { git config -f "$G/config" "$1" "$2"; }';
