const base = import.meta.env.VITE_API_BASE ?? '/api';

export async function items() {
  return (await fetch(`${base}/items`)).json();
}

export async function add(name) {
  return fetch(`${base}/items`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name }),
  });
}
