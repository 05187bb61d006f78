import { Injectable, NotFoundException } from '@nestjs/common';
import { CreateTaskDto } from './dto/create-task.dto';

export interface Task extends CreateTaskDto {
  id: number;
  done: boolean;
}

@Injectable()
export class TasksService {
  private tasks: Task[] = [];

  create(dto: CreateTaskDto): Task {
    const task = { id: this.tasks.length + 1, done: false, priority: 3, ...dto };
    this.tasks.push(task);
    return task;
  }

  findAll(): Task[] {
    return this.tasks;
  }

  findOne(id: number): Task {
    const task = this.tasks.find((one) => one.id === id);
    if (!task) throw new NotFoundException(`Task ${id} not found`);
    return task;
  }
}
