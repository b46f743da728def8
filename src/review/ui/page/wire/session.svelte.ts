import type { Session } from '../../../contract/session.ts';
import { type ApiError, call, useCsrfToken, whenUnauthorized } from './client.ts';
import { asApiError } from './resource.svelte.ts';

type Role = Session['role'];
const ranks: Readonly<Record<Role, number>> = { viewer: 0, reviewer: 1, operator: 2, admin: 3 };

/** Who uses the page. */
class SignedIn {
  session = $state.raw<Session | null>(null);
  /** True once the service said that it wants to know who asks. */
  wantsSignIn = $state(false);
  error = $state.raw<ApiError | null>(null);
  /** The service can send people to an identity provider. */
  offersOidc = $state(false);

  async load(): Promise<void> {
    whenUnauthorized(() => this.#forget());
    try {
      this.#take(await call<Session>('/session'));
      this.error = null;
    } catch (reason) {
      const error = asApiError(reason);
      if (error.status === 401) {
        this.#forget();
        this.offersOidc = 'mode' in error.problem && error.problem.mode === 'oidc';
      } else this.error = error;
    }
  }

  /** Fails with `ApiError` where the token is not known. */
  async signIn(token: string): Promise<void> {
    await call('/session', { method: 'POST', body: { token } });
    await this.load();
  }

  async signOut(): Promise<void> {
    await call('/session', { method: 'DELETE' });
    this.#forget();
  }

  may(role: Role): boolean {
    return this.session !== null && ranks[this.session.role] >= ranks[role];
  }

  get readsPayloads(): boolean {
    return this.session?.payload_read === true;
  }

  #take(session: Session): void {
    this.session = session;
    this.wantsSignIn = false;
    useCsrfToken(session.csrf_token);
  }

  #forget(): void {
    this.session = null;
    this.wantsSignIn = true;
    useCsrfToken(null);
  }
}

export const signedIn = new SignedIn();
