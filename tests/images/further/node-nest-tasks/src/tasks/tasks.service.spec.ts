import { TasksService } from './tasks.service';

describe('TasksService', () => {
  it('numbers tasks', () => {
    const service = new TasksService();
    expect(service.create({ title: 'a' }).id).toBe(1);
  });
});
