#define PY_SSIZE_T_CLEAN
#include <Python.h>

static PyObject *total(PyObject *self, PyObject *args)
{
    const unsigned char *bytes;
    Py_ssize_t length;
    unsigned long long sum = 0;

    if (!PyArg_ParseTuple(args, "y#", &bytes, &length))
        return NULL;
    for (Py_ssize_t i = 0; i < length; i++)
        sum += bytes[i];
    return PyLong_FromUnsignedLongLong(sum);
}

static PyMethodDef methods[] = {{"total", total, METH_VARARGS, "The sum of the bytes."}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_sum", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__sum(void)
{
    return PyModule_Create(&module);
}
