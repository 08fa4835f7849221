import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { metricsHandler } from '@necrocode/telemetry';
import type { Request, Response } from 'express';
import { Readiness } from './readiness.js';

/** What Kubernetes and Prometheus ask. */
@Controller()
export class HealthController {
  constructor(@Inject(Readiness) private readonly readiness: Readiness) {}

  /** The process turns; says nothing of anybody else. */
  @Get('health/live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** 200 when every dependency that tasks need answers, else 503; the body tells which do not. */
  @Get('health/ready')
  async ready(@Res() response: Response): Promise<void> {
    const report = await this.readiness.report();
    response.status(report.ready ? 200 : 503).json(report);
  }

  @Get('metrics')
  metrics(@Req() request: Request, @Res() response: Response): void {
    const handler = metricsHandler();
    if (handler) handler(request, response);
    else response.status(503).send('telemetry is not started\n');
  }
}
