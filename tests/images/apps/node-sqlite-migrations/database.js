import { DatabaseSync } from "node:sqlite";

export const database = new DatabaseSync(`${process.env.DATA_DIR}/ledger.db`);
