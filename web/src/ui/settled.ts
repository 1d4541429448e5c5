/** What has not changed for a while, such as what is typed once the fingers rest. */

import { useEffect, useState } from 'react';

const restMs = 250;

export function useSettled<T>(value: T, settlesAfterMs = restMs): T {
  const [settled, setSettled] = useState<T>(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), settlesAfterMs);
    return () => clearTimeout(timer);
  }, [value, settlesAfterMs]);
  return settled;
}
