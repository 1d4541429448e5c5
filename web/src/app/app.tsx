/** The addresses of the dashboard. What is large, or seldom the first thing seen, loads when it is needed. */

import { lazy, Suspense } from 'react';
import { Navigate, Route, Routes } from 'react-router';
import { ConnectionsPage } from './connections/connections-page.tsx';
import { LoginPage } from './entry/login-page.tsx';
import { SetupPage } from './entry/setup-page.tsx';
import { DemoBanner } from './frame/demo-banner.tsx';
import { Frame } from './frame/frame.tsx';
import { PageSkeleton } from './frame/page-skeleton.tsx';
import { NotFoundPage } from './not-found-page.tsx';
import { paths } from './paths.ts';

const SignInPage = lazy(() => import('./sign-in/sign-in-page.tsx'));
const RunsPage = lazy(() => import('./runs/runs-page.tsx'));
const SessionsPage = lazy(() => import('./sessions/sessions-page.tsx'));
const SessionPage = lazy(() => import('./sessions/session-page.tsx'));
const SettingsPage = lazy(() => import('./settings/settings-page.tsx'));

export function App() {
  return (
    <div className="flex h-dvh flex-col">
      <DemoBanner />
      <div className="min-h-0 flex-1 overflow-y-auto">
        <Suspense fallback={<PageSkeleton />}>
          <Routes>
            <Route path="/setup" element={<SetupPage />} />
            <Route path="/login" element={<LoginPage />} />
            <Route element={<Frame />}>
              <Route path={paths.connections} element={<ConnectionsPage />} />
              <Route path={paths.signIn} element={<SignInPage />} />
              <Route path={paths.runs} element={<RunsPage />} />
              <Route path={`${paths.runs}/:runId`} element={<RunsPage />} />
              <Route path={paths.sessions} element={<SessionsPage />} />
              <Route path={`${paths.sessions}/:sessionId`} element={<SessionPage />} />
              <Route path={paths.settings} element={<SettingsPage />} />
              <Route path="/" element={<Navigate to={paths.connections} replace />} />
              <Route path="/dashboard" element={<Navigate to={paths.connections} replace />} />
              <Route path="*" element={<NotFoundPage />} />
            </Route>
          </Routes>
        </Suspense>
      </div>
    </div>
  );
}
