const ms = require("ms") as (text: string) => number;

export const seconds = (text: string): number => ms(text) / 1000;
declare function require(name: string): unknown;
