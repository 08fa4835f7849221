import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from './temp-dir.js';

/** Paths of PEM files. */
export interface CertificateFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Subject {
  /** Host name or IP address that the certificate is for. */
  readonly host: string;
  /** Its last day lies in the past. */
  readonly expired?: boolean;
}

/** A certificate authority that lives as long as the test file. Made by openssl, as people make theirs. */
export class CertificateAuthority {
  private readonly directory = tempDir('necrocode-ca-');
  private readonly key = this.place('ca-key.pem');
  private issued = 0;
  /** Path of its own certificate. */
  readonly ca = this.place('ca.pem');

  constructor(name = 'Spec CA') {
    this.openssl(
      'req',
      '-x509',
      ...newKey,
      '-keyout',
      this.key,
      '-out',
      this.ca,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
    );
  }

  issue({ host, expired = false }: Subject): CertificateFiles {
    const name = `${(this.issued += 1)}`;
    const [key, cert, request, extensions] = ['key.pem', 'cert.pem', 'request.pem', 'extensions'].map((end) =>
      this.place(`${name}-${end}`),
    ) as [string, string, string, string];
    const kind = /^[\d.]+$/.test(host) ? 'IP' : 'DNS';
    writeFileSync(extensions, `subjectAltName=${kind}:${host}\n`);
    this.openssl('req', ...newKey, '-keyout', key, '-out', request, '-subj', `/CN=${host}`);
    const signing = ['-CA', this.ca, '-CAkey', this.key, '-CAcreateserial', '-extfile', extensions];
    this.openssl('x509', '-req', '-in', request, '-out', cert, '-days', expired ? '-1' : '2', ...signing);
    return { ca: this.ca, cert, key };
  }

  private place(name: string): string {
    return join(this.directory, name);
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
