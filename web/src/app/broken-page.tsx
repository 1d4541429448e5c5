/** In the place of a page that cannot be shown, instead of an empty window. public/missing-file.js has tried again by then. */

import { Component, type ReactNode } from 'react';
import { Button } from '../ui/button.tsx';

export class BrokenPage extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError() {
    return { broken: true };
  }

  override render() {
    if (!this.state.broken) return this.props.children;
    return (
      <main className="mx-auto max-w-md px-4 py-24 text-center">
        <div role="alert">
          <h1 className="text-xl font-semibold">This page could not be shown</h1>
          <p className="mt-2 text-muted">
            A part of it did not arrive, or Polydev was updated meanwhile. What you connected and ran is kept.
          </p>
        </div>
        <Button look="primary" className="mt-6" onClick={() => location.reload()}>
          Load it again
        </Button>
      </main>
    );
  }
}
