/* How much of this process stays in memory while it has nothing to do. */
#include "common/base/resident.h"

#include <elf.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Relocations within the code would be lost with its pages. */
static bool object_relocates_code(const struct dl_phdr_info *object)
{
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        const ElfW(Dyn) *entry =
            (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++)
            if (entry->d_tag == DT_TEXTREL ||
                (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL)))
                return true;
    }
    return false;
}

/* A segment that was never writable is still as it is in the file. (What is made read-only after
 * relocation lies in one that was.) */
static int release_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size, (void)context;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (object_relocates_code(object))
        return 0;
    for (size_t i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
            continue;
        uintptr_t from = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
        uintptr_t to = object->dlpi_addr + segment->p_vaddr + segment->p_filesz;
        /* refused where pages are locked in memory: then they stay */
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 0;
}

void resident_release(void)
{
    malloc_trim(0);
    dl_iterate_phdr(release_object, NULL);
}
