// Loads the HTTP side of a running service: k6 run -e BASE=http://127.0.0.1:8080 load/http.js
// Health must stay quick while messages flow: whoever watches the service asks often, and scrapes the metrics every few seconds.
import { check } from 'k6';
import http from 'k6/http';

const base = __ENV.BASE || 'http://127.0.0.1:8080';
const duration = __ENV.DURATION || '30s';

function asked(rate, exec) {
  return { executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration, preAllocatedVUs: 20, maxVUs: 200, exec };
}

export const options = {
  scenarios: {
    health: asked(Number(__ENV.HEALTH_RATE || 200), 'health'),
    readiness: asked(Number(__ENV.READY_RATE || 50), 'readiness'),
    metrics: asked(Number(__ENV.METRICS_RATE || 10), 'metrics'),
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{scenario:health}': ['p(99)<100'],
    'http_req_duration{scenario:readiness}': ['p(99)<250'],
    'http_req_duration{scenario:metrics}': ['p(99)<500'],
  },
};

export function health() {
  check(http.get(`${base}/healthz`), { 'the loop is alive': ({ status }) => status === 200 });
}

export function readiness() {
  check(http.get(`${base}/readyz`), { 'the service is ready': ({ status }) => status === 200 });
}

export function metrics() {
  check(http.get(`${base}/metrics`), {
    'the metrics are there': ({ status, body }) => status === 200 && String(body).includes('dataquarantine_records_processed_total'),
  });
}
