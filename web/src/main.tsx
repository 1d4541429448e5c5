/** Starts the dashboard. */

import './styles.css';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { App } from './app/app.tsx';
import { BrokenPage } from './app/broken-page.tsx';
import { queryClient } from './app/data/query-client.ts';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <BrowserRouter>
          <BrokenPage>
            <App />
          </BrokenPage>
        </BrowserRouter>
      </QueryClientProvider>
    </StrictMode>,
  );
}
