export const greeting = (name: string) => `Good day, ${name}`;
